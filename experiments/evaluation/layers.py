"""How well each layer tells right from wrong, at each cue and over all: on unseen problems."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from probexit.calibration.base import Array
from probexit.calibration.metrics.discrimination import auroc
from probexit.calibration.statistics.bootstrap import bootstrap_metric
from probexit.calibration.statistics.intervals import Interval
from probexit.exits.trace import Trace
from probexit.experiments.fitting.splits import Splits
from probexit.experiments.fitting.targets import cue_table
from probexit.probes.base import Probe

FEWEST = 10  # right and wrong cues that an AUROC of one cell needs


@dataclass(frozen=True)
class LayerMap:
    """AUROC of one probe per layer.

    Attributes:
        layers: The recorded layers.
        by_cue: ``[layers, k]`` at the 1st, 2nd, .. k-th cue, up to the last that can be measured;
            NaN where a cue has too few of a class.
        pooled: Over all cues, with 95 % intervals over problems.
    """

    layers: tuple[int, ...]
    by_cue: Array
    pooled: tuple[Interval, ...]


def layer_map(
    splits: Splits,
    layers: Sequence[int],
    make_probe: Callable[[], Probe],
    target: str = "correct",
    cues: int = 10,
) -> LayerMap:
    """Fit a probe on each layer of the fit split and measure it on the test split.

    Args:
        splits: The traces.
        layers: The recorded layers, as the traces hold them.
        make_probe: Makes an unfitted probe.
        target: What it predicts; see ``targets``.
        cues: How many cues to tell apart.

    Raises:
        ValueError: if a split has no cue, or the fit split's are all of one class.
    """
    fit, test = cue_table(splits.fit, target), cue_table(splits.test, target)
    labels, groups = test.labels.numpy(), test.groups.numpy()
    number = _numbers(splits.test)
    rows, pooled = [], []
    for column in range(len(layers)):
        probe = make_probe().fit(fit.states.select([column]), fit.labels, fit.groups)
        scores = probe.score(test.states.select([column])).numpy()
        at = [number == k for k in range(min(cues, int(number.max()) + 1))]
        rows.append([_auroc(scores[mask], labels[mask]) for mask in at])
        pooled.append(bootstrap_metric(auroc, scores, labels, groups))
    by_cue = np.array(rows)
    last = np.flatnonzero(~np.isnan(by_cue).all(axis=0))[-1:].sum() + 1
    return LayerMap(tuple(layers), by_cue[:, :last], tuple(pooled))


def _numbers(traces: Sequence[Trace]) -> Array:
    """Number the cues of each trace from 0, in the order of ``cue_table``."""
    counts = [torch.arange(len(trace.cues)) for trace in traces if len(trace.cues)]
    return np.asarray(torch.cat(counts).numpy())


def _auroc(scores: Array, labels: Array) -> float:
    enough = min(labels.sum(), (1 - labels.astype(float)).sum()) >= FEWEST
    return auroc(scores, labels) if enough else float("nan")

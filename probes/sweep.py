"""Find the layers that a probe reads best: AUROC on problems that it was not fitted on."""

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Any

import torch
from numpy.typing import ArrayLike
from sklearn.metrics import roc_auc_score
from torch import Tensor

from probexit.probes.base import Probe, numbered
from probexit.probes.features import HeldStates, LayerStates
from probexit.probes.splits import group_folds

FOLDS = 5
LARGEST = 2**29
"""Values of the largest set of several layers that is tried, 4 GiB in the double precision of
scikit-learn. A machine's own memory does not decide, or two machines would choose other layers."""
logger = logging.getLogger(__name__)
_BAR = 20  # characters between an AUROC of .5 and one of 1


@dataclass(frozen=True)
class LayerResult:
    """AUROC ``[folds]`` of one candidate set of layers, each on the held-out problems of a fold."""

    layers: tuple[int, ...]
    fold_aurocs: tuple[float, ...]

    @property
    def auroc(self) -> float:
        """Mean over folds."""
        return mean(self.fold_aurocs)

    @property
    def standard_error(self) -> float:
        """Of the mean over folds, as if folds were independent (they share training problems)."""
        return stdev(self.fold_aurocs) / math.sqrt(len(self.fold_aurocs))


@dataclass(frozen=True, repr=False)
class LayerSweep:
    """One row per candidate, in the order given; prints as a table."""

    rows: tuple[LayerResult, ...]

    @property
    def best(self) -> LayerResult:
        """The smallest set within one standard error of the highest AUROC.

        The one-standard-error rule (Hastie, Tibshirani and Friedman, "The elements of statistical
        learning", section 7.10). Among sets of that size: the highest AUROC, then the first given.
        """
        top = max(self.rows, key=lambda row: row.auroc)
        near = [row for row in self.rows if row.auroc >= top.auroc - top.standard_error]
        return min(near, key=lambda row: (len(row.layers), -row.auroc))

    def to_frame(self) -> Any:
        """Return one line per candidate, as a pandas frame: layers, AUROC, standard error."""
        import pandas

        return pandas.DataFrame(
            {
                "layers": [_name(row) for row in self.rows],
                "auroc": [row.auroc for row in self.rows],
                "standard_error": [row.standard_error for row in self.rows],
            }
        )

    def plot(self, ax: Any = None) -> Any:
        """Draw AUROC with its standard error per candidate; return the axes (matplotlib)."""
        import matplotlib.pyplot as plt

        axes = plt.subplots()[1] if ax is None else ax
        frame = self.to_frame()
        axes.errorbar(frame.layers, frame.auroc, frame.standard_error, fmt="o", capsize=3)
        axes.axhline(0.5, color="0.7", linewidth=1)
        axes.tick_params(axis="x", labelrotation=90 if max(map(len, frame.layers)) > 3 else 0)
        axes.set_xlabel("layers")
        axes.set_ylabel("AUROC, other problems")
        return axes

    def __repr__(self) -> str:
        width = max(6, *(len(_name(row)) for row in self.rows))
        lines = [f"{'layers':<{width}}  AUROC    s.e."]
        for row in self.rows:
            bar = "█" * round(_BAR * max(0.0, 2 * row.auroc - 1))
            mark = "  <- best" if row is self.best else ""
            numbers = f"{row.auroc:.3f}  ±{row.standard_error:.3f}"
            lines.append(f"{_name(row):<{width}}  {numbers}  {bar:<{_BAR}}{mark}".rstrip())
        return "\n".join(lines)


def sweep(
    make_probe: Callable[[], Probe],
    hidden: Tensor | ArrayLike | LayerStates,
    y: Tensor | ArrayLike,
    groups: Tensor | ArrayLike,
    candidates: Sequence[Sequence[int]] | None = None,
) -> LayerSweep:
    """Cross-validate a probe on each candidate set of layers, in five folds split by problem.

    Every candidate sees the same folds. One candidate at a time is in memory. A set of several
    layers with more than ``LARGEST`` values is left out, and the log says so.

    Args:
        make_probe: Makes an unfitted probe: its class, or a lambda that configures it.
        hidden: ``[n, L, d]`` recorded hidden states: tensor, array, or ``LayerStates``.
        y: ``[n]`` labels in {0, 1}.
        groups: ``[n]`` problem of each cue.
        candidates: Sets of indices along ``L``, each concatenated; every single layer if None.

    Raises:
        ValueError: if there are fewer than five problems, if a fold holds a single class, if every
            candidate is too large, or for what the probe or ``select_layers`` refuses.
    """
    states = hidden if isinstance(hidden, LayerStates) else HeldStates(torch.as_tensor(hidden))
    y, groups = torch.as_tensor(y), numbered(groups)
    if candidates is None:
        candidates = [[layer] for layer in range(states.shape[1])]
    if not candidates:
        raise ValueError("no candidate layers to sweep: give at least one set, or None for each")
    fold_of = group_folds(groups, FOLDS)
    rows = []
    for layers in _small_enough(candidates, states):
        X = states.select(layers)
        aurocs = (_held_out_auroc(make_probe(), X, y, groups, fold_of == k) for k in range(FOLDS))
        rows.append(LayerResult(tuple(layers), tuple(aurocs)))
    return LayerSweep(tuple(rows))


def _held_out_auroc(probe: Probe, X: Tensor, y: Tensor, groups: Tensor, held_out: Tensor) -> float:
    if len(torch.unique(y[held_out])) < 2:
        raise ValueError("a fold holds a single class, so it has no AUROC: give more problems")
    probe.fit(X[~held_out], y[~held_out], groups[~held_out])
    scores = probe.score(X[held_out]).cpu().numpy()
    return float(roc_auc_score(y[held_out].cpu().numpy(), scores))


def _small_enough(candidates: Sequence[Sequence[int]], states: LayerStates) -> list[Sequence[int]]:
    """Leave out the sets of several layers that are too large, and say so.

    Raises:
        ValueError: if none is left.
    """
    cues, _, width = states.shape
    kept: list[Sequence[int]] = []
    refused: list[Sequence[int]] = []
    for layers in candidates:
        fits = len(layers) == 1 or cues * width * len(layers) <= LARGEST
        (kept if fits else refused).append(layers)
    if not refused:
        return kept
    gigabytes = min(map(len, refused)) * cues * width * 8 / 1e9
    said = (
        f"{len(refused)} sets of {min(map(len, refused))} layers or more are not tried: "
        f"{cues} cues of them would take {gigabytes:.0f} GB and more; "
        "name layers (`probexit fit --layers`) to concatenate them all the same"
    )
    if not kept:
        raise ValueError(said)
    logger.warning("%s", said)
    return kept


def _name(row: LayerResult) -> str:
    return "+".join(str(layer) for layer in row.layers)

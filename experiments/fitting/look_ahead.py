"""How early can a later answer's rightness be read? (arXiv 2504.05419, the look-ahead analysis)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from probexit.calibration.base import Array
from probexit.calibration.metrics.discrimination import auroc
from probexit.calibration.statistics.bootstrap import DEFAULT, Resampling, bootstrap_metric
from probexit.calibration.statistics.intervals import Interval
from probexit.exits.trace import Trace
from probexit.experiments.fitting.splits import Splits
from probexit.experiments.fitting.targets import problem_numbers
from probexit.probes.base import Probe

FEWEST = 10  # right and wrong answers that an AUROC needs
UNKNOWN = Interval(float("nan"), float("nan"), float("nan"))


@dataclass(frozen=True)
class LookAhead:
    """AUROC of a probe of one cue's state for the answer ``0, 1, .. J`` cues later.

    Attributes:
        pooled: Over all cues that have such a later cue, with 95 % intervals over problems.
        changed: Over those whose later answer is not the one they would give themselves. What a
            probe can read of an answer that stays is no foresight; here it is. NaN at 0.
        pairs: Number of cues measured on.
    """

    pooled: tuple[Interval, ...]
    changed: tuple[Interval, ...]
    pairs: tuple[int, ...]


@dataclass(frozen=True)
class _Pairs:
    """``n`` cues and what is forced some cues later: one row each."""

    states: Tensor
    right: Tensor
    changed: Tensor
    groups: Tensor


def look_ahead(
    splits: Splits,
    column: int,
    make_probe: Callable[[], Probe],
    most: int = 4,
    resampling: Resampling = DEFAULT,
) -> LookAhead:
    """Fit one probe per distance on the fit split and measure it on the test split.

    Distances at which either split has too few right or wrong answers are left out at the end.

    Args:
        splits: The traces.
        column: Index along the recorded layers.
        make_probe: Makes an unfitted probe.
        most: Cues to look ahead, at most.
        resampling: Draws, confidence and seed of the intervals.

    Raises:
        ValueError: if not even the answer at the cue itself can be measured.
    """
    pooled: list[Interval] = []
    changed: list[Interval] = []
    pairs: list[int] = []
    for ahead in range(most + 1):
        fit, test = _pairs(splits.fit, column, ahead), _pairs(splits.test, column, ahead)
        if not (_enough(fit.right) and _enough(test.right)):
            break
        probe = make_probe().fit(fit.states, fit.right, fit.groups)
        scores = probe.score(test.states).numpy()
        pooled.append(_measure(scores, test, torch.ones_like(test.changed), resampling))
        changed.append(_measure(scores, test, test.changed, resampling))
        pairs.append(len(scores))
    if not pooled:
        raise ValueError(f"fewer than {FEWEST} right or wrong answers: record more problems")
    return LookAhead(tuple(pooled), tuple(changed), tuple(pairs))


def _pairs(traces: Sequence[Trace], column: int, ahead: int) -> _Pairs:
    number = problem_numbers(traces)
    with_both = [trace for trace in traces if len(trace.cues) > ahead]
    if not with_both:
        none = torch.zeros(0, dtype=torch.bool)
        return _Pairs(torch.zeros(0, 0), none, none, torch.zeros(0))
    counts = [len(trace.cues) - ahead for trace in with_both]
    return _Pairs(
        torch.cat([t.cues.hidden[:c, column] for t, c in zip(with_both, counts, strict=True)]),
        torch.cat([t.cues.correct[ahead:] for t in with_both]),
        torch.cat([_changed(t.cues.answers, ahead) for t in with_both]),
        torch.cat(
            [torch.full((c,), number[t.problem]) for t, c in zip(with_both, counts, strict=True)]
        ),
    )


def _changed(answers: Sequence[str], ahead: int) -> Tensor:
    texts = [text.strip() for text in answers]
    pairs = zip(texts, texts[ahead:], strict=False)
    return torch.tensor([now != later for now, later in pairs], dtype=torch.bool)


def _enough(right: Tensor) -> bool:
    return min(int(right.sum()), int((~right).sum())) >= FEWEST


def _measure(scores: Array, pairs: _Pairs, kept: Tensor, resampling: Resampling) -> Interval:
    if not _enough(pairs.right[kept]):
        return UNKNOWN
    rows = np.flatnonzero(kept.numpy())
    right, groups = pairs.right.numpy()[rows], pairs.groups.numpy()[rows]
    return bootstrap_metric(auroc, scores[rows], right, groups, resampling)

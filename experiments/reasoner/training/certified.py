"""What leaving at the first cue over a certified threshold saves."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import binom

from probexit.experiments.reasoner.training.behaviour import interval, oracle_tokens
from probexit.experiments.reasoner.training.forced import Case
from probexit.experiments.reasoner.training.scores import Score

DELTA = 0.1
GRID = 200


def leave(case: Case, scores: Sequence[float], threshold: float) -> tuple[bool, int]:
    """Apply the rule to a case: whether the answer is right, and the tokens spent."""
    crossing = np.flatnonzero(np.asarray(scores) >= threshold)
    if not len(crossing):
        return case.thought.right, case.full
    return bool(case.right[crossing[0]]), int(case.spent[crossing[0]])


def threshold(cases: Sequence[Case], scores: Sequence[Sequence[float]], alpha: float) -> float:
    """Learn-then-Test with exact binomial p-values, from the strictest threshold downwards.

    The loss is 1 where a problem that the full run solves is answered wrongly. With probability
    1 - DELTA its mean over new problems is at most `alpha`. No threshold: infinity.
    """
    values = np.unique(np.concatenate([np.asarray(s) for s in scores]))
    grid = np.unique(np.quantile(values, np.linspace(0, 1, GRID)))[::-1]
    chosen = np.inf
    for candidate in grid:
        lost = sum(
            case.thought.right and not leave(case, s, candidate)[0]
            for case, s in zip(cases, scores, strict=True)
        )
        if binom.cdf(lost, len(cases), alpha) > DELTA:
            break
        chosen = float(candidate)
    return float(chosen)


def _scored(score: Score, case: Case) -> list[float]:
    """Score the cues of a case; a run may end before its first one."""
    return score(case).tolist() if case.answers else []


def saving(
    score: Score, tune: Sequence[Case], test: Sequence[Case], alpha: float
) -> dict[str, Any]:
    """Certify a threshold on some problems, and apply it to others."""
    limit = threshold(tune, [_scored(score, c) for c in tune], alpha)
    left = [leave(case, _scored(score, case), limit) for case in test]
    full = float(np.mean([case.full for case in test]))
    oracle = float(np.mean([oracle_tokens(case) for case in test]))
    tokens = float(np.mean([spent for _, spent in left]))
    pairs = list(zip(test, left, strict=True))
    lost = [case.thought.right and not right for case, (right, _) in pairs]
    return {
        "threshold": limit if np.isfinite(limit) else None,
        "accuracy": interval([right for right, _ in left]),
        "full_accuracy": interval([case.thought.right for case in test]),
        "tokens": round(tokens, 1),
        "full_tokens": round(full, 1),
        "oracle_tokens": round(oracle, 1),
        "share_of_oracle": round((full - tokens) / (full - oracle), 4),
        "lost": interval(lost),
    }

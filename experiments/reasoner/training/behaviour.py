"""How the reasoner behaves in one setting: numbers for the card."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from probexit.experiments.reasoner.training.forced import Case

SHOWN_CUES = 10


def interval(hits: Sequence[bool]) -> list[float]:
    """Give a share with its 95 % interval (Wilson)."""
    n, share, z = len(hits), float(np.mean(hits)), 1.96
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return [round(float(v), 4) for v in (share, middle - half, middle + half)]


def oracle_tokens(case: Case) -> int:
    """Give the tokens until the earliest right cue of a solved problem; the full run otherwise."""
    if case.thought.right and case.right.any():
        return int(case.spent[int(case.right.argmax())])
    return case.full


def _flips(cases: Sequence[Case]) -> dict[str, float]:
    """Give how often one re-check repairs a wrong answer, and how often it spoils a right one."""
    before = np.concatenate([case.right[:-1] for case in cases])
    after = np.concatenate([case.right[1:] for case in cases])
    return {
        "wrong_to_right": round(float(after[~before].mean()), 4),
        "right_to_wrong": round(float(1 - after[before].mean()), 4),
    }


def describe(cases: Sequence[Case]) -> dict[str, Any]:
    """Summarise the runs of one setting."""
    full = [case.thought.right for case in cases]
    with_cues = [case for case in cases if len(case.answers)]
    by_cue = [
        round(float(np.mean([c.right[min(k, len(c.right) - 1)] for c in with_cues])), 4)
        for k in range(SHOWN_CUES)
    ]
    solved = [case for case in with_cues if case.thought.right]
    return {
        "problems": len(cases),
        "accuracy": interval(full),
        "first_answer_right": interval([bool(c.right[0]) for c in with_cues]),
        "thinking_tokens": round(float(np.mean([case.full for case in cases])), 1),
        "cues": round(float(np.mean([len(case.answers) for case in cases])), 2),
        "unfinished": interval([not case.thought.ended for case in cases]),
        "forced_accuracy_by_cue": by_cue,
        **_flips(with_cues),
        "solved_first_right_tokens": round(float(np.mean([oracle_tokens(c) for c in solved])), 1),
        "solved_thinking_tokens": round(float(np.mean([c.full for c in solved])), 1),
        "redundant_share": round(
            1 - sum(oracle_tokens(c) for c in solved) / sum(c.full for c in solved), 4
        ),
    }

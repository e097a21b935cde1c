"""Interrupted traces: they teach the reasoner to answer whenever its thinking is ended.

The answer of an interrupted trace is the last one stated; before the first statement it is the
true one, since there is nothing else to say.
"""

import random

from probexit.experiments.reasoner.grammar import Problem
from probexit.experiments.reasoner.trace import WrittenTrace

PLACES = ("cue", "break", "paragraph", "inside", "early")
WEIGHTS = (0.5, 0.2, 0.15, 0.11, 0.04)
_OFFSETS = {"cue": 3, "break": 1, "paragraph": 0}
_ANSWER = " So the answer is"


def _stated(full: WrittenTrace, end: int, default: str) -> str:
    """Give the last answer stated before a segment."""
    answer = default
    for index in range(end - 1):
        if full.segments[index][0] == _ANSWER:
            answer = full.segments[index + 1][0].strip()
    return answer


def interrupt(
    rng: random.Random, problem: Problem, full: WrittenTrace, starts: tuple[int, ...]
) -> WrittenTrace:
    """Cut a trace at a random place: mostly right after a cue word and its comma."""
    place = rng.choices(PLACES, WEIGHTS)[0]
    start = rng.choice(starts)
    if place == "early":
        end = rng.choice((0, rng.randrange(starts[0] - 3)))
    elif place == "inside":
        following = [s for s in starts if s > start] or [len(full.segments)]
        end = rng.randrange(start + 3, following[0])
    else:
        end = start + _OFFSETS[place]
    return WrittenTrace(full.segments[:end], _stated(full, end, problem.gold), forced=True)

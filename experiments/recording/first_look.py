"""Whether forced answers can be right: looked at after the first shard, before more is recorded."""

from collections import Counter
from collections.abc import Sequence

from probexit.calibration.statistics.intervals import Interval, clopper_pearson
from probexit.exits.trace import Trace
from probexit.experiments.recording.answering import answer_text
from probexit.hooks.models import Reasoner

ENOUGH = 20
"""Solved problems below which nothing is concluded."""
HALF = 0.5
"""A closing text is wrong if less than this share of the solved problems is right when forced."""


def forced_rates(traces: Sequence[Trace]) -> list[tuple[str, Interval]]:
    """Return how often a forced answer was right, beside the full run, over traces with cues."""
    with_cues = [trace for trace in traces if len(trace.cues)]
    if not with_cues:
        return []
    n = len(with_cues)
    counts = {
        "forced at the first cue": sum(bool(trace.cues.correct[0]) for trace in with_cues),
        "forced at the last cue": sum(bool(trace.cues.correct[-1]) for trace in with_cues),
        "full run, same problems": sum(trace.correct for trace in with_cues),
    }
    return [(name, clopper_pearson(count, n)) for name, count in counts.items()]


def measured(traces: Sequence[Trace]) -> dict[str, float]:
    """Return means over some problems, for a tracker."""
    n = len(traces)
    found = {
        "record/right": sum(trace.correct for trace in traces) / n,
        "record/thinking": sum(trace.thinking for trace in traces) / n,
        "record/cues": sum(len(trace.cues) for trace in traces) / n,
    }
    rates = {f"record/{name}": rate.estimate for name, rate in forced_rates(traces)}
    return {**found, **rates}


def as_lines(traces: Sequence[Trace]) -> list[str]:
    """Lay the rates out for a terminal."""
    return [
        f"  {name:<25}{rate.estimate:.1%} [{rate.low:.1%}, {rate.high:.1%}]"
        for name, rate in forced_rates(traces)
    ]


def refuse_closing(reasoner: Reasoner, traces: Sequence[Trace]) -> None:
    """Stop where the closing text does not bring the answer out.

    At the last cue nearly all has been thought, so a problem that the full run solves is right
    there too, if the closing text leads to an answer in the form that is graded.

    Raises:
        ValueError: with the closing text that the model's own answers suggest.
    """
    solved = [trace for trace in traces if trace.correct and len(trace.cues)]
    if len(solved) < ENOUGH:
        return
    right = sum(bool(trace.cues.correct[-1]) for trace in solved)
    if clopper_pearson(right, len(solved)).high >= HALF:
        return
    texts = [answer_text(reasoner, t.token_ids.tolist(), t.begins, t.thinking) for t in solved]
    raise ValueError(
        f"of {len(solved)} problems that the full run solves, {right} are right when the answer is "
        f"forced at the last cue: the closing text {reasoner.closing!r} does not bring it out. "
        f"{_advice(reasoner, usual_opening(texts))}"
    )


def _advice(reasoner: Reasoner, opening: str) -> str:
    if not opening.strip():
        return (
            "Look at what the model writes after its thinking, and record into another --out with "
            "a --close that begins like it"
        )
    return (
        f"Behind {reasoner.tags.close!r} the model itself mostly begins with {opening!r}: record "
        f"into another --out with --close {opening!r}"
    )


def usual_opening(texts: Sequence[str]) -> str:
    """Return the longest beginning that half of the texts share, up to a whole word."""
    left, opening = list(texts), ""
    while left:
        following = Counter(text[len(opening)] for text in left if len(text) > len(opening))
        letter, count = following.most_common(1)[0] if following else ("", 0)
        if count < 2 or 2 * count < len(texts):
            break
        opening += letter
        left = [text for text in left if text.startswith(opening)]
    goes_on = any(text[len(opening) :][:1].isalnum() for text in left)
    if opening[-1:].isalnum() and goes_on:
        opening = opening[: len(opening) - len(_last_word(opening))]
    return opening.rstrip(" ")


def _last_word(text: str) -> str:
    start = len(text)
    while start and text[start - 1].isalnum():
        start -= 1
    return text[start:]

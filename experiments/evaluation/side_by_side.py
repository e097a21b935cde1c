"""The same problems with and without the controller, one at a time, with the time each took."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from probexit.experiments.evaluation.live_run import Live
from probexit.experiments.recording.tasks.base import Item

WIDTH = 110


@dataclass(frozen=True)
class WithAndWithout:
    """One problem, run both ways.

    Attributes:
        item: The problem.
        full: The full run's result line (see ``Live.run``).
        short: The controller's.
        full_seconds: Time of the full run.
        short_seconds: Time with the controller.
    """

    item: Item
    full: dict[str, Any]
    short: dict[str, Any]
    full_seconds: float
    short_seconds: float


def side_by_side(full: Live, short: Live, items: Sequence[Item]) -> list[WithAndWithout]:
    """Run each problem alone, first in full, then with the controller."""
    pairs = []
    for number, item in enumerate(items):
        parts = []
        for live in (full, short):
            start = time.perf_counter()
            (line,) = live.run([item], number, quiet=True)
            parts.append((line, time.perf_counter() - start))
        pairs.append(WithAndWithout(item, parts[0][0], parts[1][0], parts[0][1], parts[1][1]))
    return pairs


def show(pairs: Sequence[WithAndWithout]) -> str:
    """Lay the pairs out for a terminal."""
    blocks = []
    for pair in pairs:
        lines = [pair.item.question, f"  right answer: {pair.item.gold}"]
        for name, line, seconds in (
            ("full run", pair.full, pair.full_seconds),
            ("controller", pair.short, pair.short_seconds),
        ):
            verdict = "right" if line["correct"] else "wrong"
            lines.append(
                f"  {name:<11} answer {line['answer'] or '(none)':<6} {verdict}   "
                f"{line['thinking_tokens']:>4} thinking tokens   {seconds:5.2f} s"
            )
        lines.append(f"  thought     ... {_end(pair.short['text'])}")
        blocks.append("\n".join(line[:WIDTH] for line in lines))
    full = sum(pair.full_seconds for pair in pairs)
    short = sum(pair.short_seconds for pair in pairs)
    blocks.append(f"{len(pairs)} problems: {full:.1f} s in full, {short:.1f} s with the controller")
    return "\n\n".join(blocks)


def _end(text: str, length: int = 90) -> str:
    """The last words of a text, on one line."""
    return " ".join(text.split())[-length:]

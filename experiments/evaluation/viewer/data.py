"""What the viewer shows of each trace, as JSON."""

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from probexit.exits.trace import Trace
from probexit.experiments.evaluation.figures.painted import Decode, pieces
from probexit.experiments.evaluation.results import Comparison


@dataclass(frozen=True)
class ViewedRule:
    """Where a rule left each trace.

    Attributes:
        name: Its name for readers.
        exits: ``[n]`` index of the cue, -1 the full run, -2 no thinking at all.
        ours: Whether it is the rule that the page opens with.
    """

    name: str
    exits: Sequence[int]
    ours: bool = False


def rules_of(comparison: Comparison) -> list[ViewedRule]:
    """Return the rules whose exits on each trace are known, ours at the common risk first."""
    rows = [row for row in comparison.rows if row.exits and not row.live]
    ours = [row for row in rows if row.method == "probe"]
    first = next((row for row in ours if row.promised == comparison.alpha), None)
    ordered = sorted(rows, key=lambda row: row is not first)
    return [ViewedRule(row.name, row.exits, row is first) for row in ordered]


def viewed(
    traces: Sequence[Trace],
    scores: Sequence[Tensor],
    rules: Sequence[ViewedRule],
    decode: Decode,
) -> dict[str, Any]:
    """Return everything the page needs.

    Args:
        traces: The test traces, in the order of the rules' exits.
        scores: ``[c]`` per trace, in [0, 1].
        rules: Rules to choose from; the first is shown at the start.
        decode: Turns token ids into text.
    """
    return {
        "rules": [{"name": rule.name, "exits": list(rule.exits)} for rule in rules],
        "traces": [_one(trace, own, decode) for trace, own in zip(traces, scores, strict=True)],
    }


def _one(trace: Trace, scores: Tensor, decode: Decode) -> dict[str, Any]:
    """Return one trace; short names, since a page holds thousands."""
    parts = pieces(trace, scores, {}, decode)
    return {
        "id": trace.problem,
        "q": trace.question,
        "gold": trace.gold,
        "a": trace.answer,
        "ok": bool(trace.correct),
        "n": trace.thinking,
        "t": [part.text for part in parts],
        "s": [round(float(score), 4) for score in scores],
        "f": list(trace.cues.answers),
        "r": [int(right) for right in trace.cues.correct],
        "at": [int(at) + 1 - trace.begins for at in trace.cues.positions],
    }


def packed(data: Mapping[str, Any]) -> str:
    """Return JSON that stands safely inside a page: compressed, in letters and digits only."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
    return base64.b64encode(gzip.compress(text, 6, mtime=0)).decode("ascii")

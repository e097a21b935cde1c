"""Every published rule on one model, in one table: certified at one risk, or lossless."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from probexit.experiments.depth.prepare import Workshop
from probexit.experiments.depth.race import OWN, PLAIN, Ran, baseline_of, race
from probexit.experiments.depth.regret import OracleDepth, oracle_depth
from probexit.experiments.depth.run import DepthOutcome, judge

COLUMNS = (
    "method",
    "source",
    "layers run",
    "regret",
    "same text",
    "same answer",
    "accuracy",
    "speed",
    "foretold",
    "guarantee",
    "note",
)


@dataclass(frozen=True)
class DepthRow:
    """One method.

    Attributes:
        name: Name of the preset.
        source: Its paper.
        guarantee: What is promised of its text.
        outcome: On the test problems; None where it could not be run.
        foretold: Speed by the cost model, from the layers that ran.
        note: How it differs from the paper, or why it could not be run.
        oracle: What an oracle with the same head runs; None where that was not measured.
    """

    name: str
    source: str
    guarantee: str
    outcome: DepthOutcome | None
    foretold: float
    note: str
    oracle: OracleDepth | None = None

    @property
    def regret(self) -> float | None:
        """Layers per token run beyond those of the oracle that leaves first."""
        if self.outcome is None or self.oracle is None:
            return None
        return self.outcome.depth - self.oracle.first


def compare(workshop: Workshop, names: Sequence[str]) -> tuple[list[DepthRow], dict[str, Ran]]:
    """Prepare the methods, then race them all in one run; return a row each, and what they wrote.

    The first two rows are the full model, in ``generate``'s loop and in that of the modes for one
    prompt.
    """
    prepared = {name: workshop.prepared(name) for name in names}
    cost = workshop.cost
    racing = {name: p.controller for name, p in prepared.items() if p.controller is not None}
    done = race(workshop.bench, racing, workshop.test)
    rows = [_full(workshop, done, name) for name in (PLAIN, OWN)]
    prompts = workshop.bench.prompts(workshop.test)
    texts = [prompt + text for prompt, text in zip(prompts, done[OWN].texts, strict=True)]
    starts = [len(prompt) for prompt in prompts]
    for name, method in prepared.items():
        if method.controller is None:
            rows.append(DepthRow(name, method.source, method.guarantee, None, 0.0, method.note))
            continue
        baseline = done[baseline_of(method.controller.mode)]
        outcome = judge(workshop.bench, workshop.test, done[name], (baseline, done[PLAIN]))
        exits = method.controller.rule.layers
        foretold = cost.speed(done[name].trace, method.look, exits)
        oracle = oracle_depth(workshop.bench.reasoner.model, method.controller, texts, starts)
        row = DepthRow(
            name, method.source, method.guarantee, outcome, foretold, method.note, oracle
        )
        rows.append(row)
    return rows, done


def _full(workshop: Workshop, done: dict[str, Ran], name: str) -> DepthRow:
    outcome = judge(workshop.bench, workshop.test, done[name], (done[name], done[PLAIN]))
    outcome = replace(outcome, depth=float(workshop.cost.depth))  # generate keeps no trace
    note = f"{outcome.against_generate.ratio:.2f} of generate's speed" if name == OWN else ""
    return DepthRow(name, "", "is the full model", outcome, 1.0, note)


def as_json(rows: Sequence[DepthRow]) -> list[dict[str, Any]]:
    """Return the rows as plain data."""
    return [asdict(row) for row in rows]


def as_table(rows: Sequence[DepthRow], depth: int) -> str:
    """Lay the rows out in Markdown."""
    lines = [f"| {' | '.join(COLUMNS)} |", "|" + "---|" * len(COLUMNS)]
    for row in rows:
        made = row.outcome
        cells = ["-"] * 7
        if made is not None:
            cells = [
                f"{made.depth:.2f} of {depth}",
                "-" if row.regret is None else f"{row.regret:+.2f}",
                f"{made.same_text:.0%}",
                f"{made.same_answer:.0%}",
                f"{made.accuracy:.0%}",
                str(made.speed),
                f"{row.foretold:.2f}",
            ]
        parts = [row.name, row.source, *cells, row.guarantee, row.note]
        lines.append(f"| {' | '.join(parts)} |")
    return "\n".join(lines)

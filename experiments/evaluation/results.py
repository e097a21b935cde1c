"""The comparison of exit rules: what is kept of it, as JSON, as text and in a notebook."""

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from typing import Any

from probexit.experiments.evaluation.curve import Curve
from probexit.experiments.evaluation.metrics import Measures
from probexit.probes.artefacts.strict_json import plain


@dataclass(frozen=True)
class ResultRow:
    """One rule at one operating point, over the test problems.

    Attributes:
        method: Its module's name.
        title: Its name for readers.
        label: The operating point; "" if the rule has only one.
        family: What the rule looks at.
        deployable: False for a rule that looks at the grades.
        live: Whether its tokens were generated anew instead of replayed.
        threshold: The threshold; inf = never exits; None if the rule has none.
        promised: The certified risk; None if nothing is promised.
        statement: The promise, or what there is instead, in words.
        exited: Share of the traces left early.
        measures: What was measured.
        exits: Where each test trace was left: a cue's index, -1 the full run, -2 no thinking;
            empty if live.
        calibration: Tokens generated only to certify it; 0 where recorded traces did.
    """

    method: str
    title: str
    label: str
    family: str
    deployable: bool
    live: bool
    threshold: float | None
    promised: float | None
    statement: str
    exited: float
    measures: Measures
    exits: tuple[int, ...]
    calibration: int = 0

    @property
    def name(self) -> str:
        """The rule with its operating point."""
        return f"{self.title}, {self.label}" if self.label else self.title


@dataclass(frozen=True)
class AtEqualRisk:
    """What a rule would save at the observed risk of ours, its threshold chosen with hindsight.

    Attributes:
        title: The rule.
        threshold: The threshold; None if no threshold has so little risk.
        risk: Its observed risk.
        saved: Share of the full run's thinking saved.
        saved_total: Share of all its tokens saved, after probing.
    """

    title: str
    threshold: float | None
    risk: float
    saved: float
    saved_total: float


@dataclass(frozen=True)
class Comparison:
    """All rules on the same test problems.

    Attributes:
        rows: One per rule and operating point.
        curves: By title, one per rule whose threshold can be turned.
        equal_risk: Rules at the observed risk of ours.
        skipped: Why a rule could not be applied, by its title.
        problems: Test problems.
        calibration: Calibration problems.
        delta: Chance that a certificate fails.
        alpha: The risk at which rules are compared.
        loss: Name of the loss.
        traces: Problem of each test trace, in the order of ``ResultRow.exits``.
        together: Whether every rule was certified at its share of the error, so that whichever is
            taken keeps its promise.
    """

    rows: tuple[ResultRow, ...]
    curves: dict[str, Curve]
    equal_risk: tuple[AtEqualRisk, ...]
    skipped: dict[str, str]
    problems: int
    calibration: int
    alpha: float
    delta: float
    loss: str
    traces: tuple[str, ...]
    together: bool = False

    def row(self, method: str, label: str | None = None) -> ResultRow:
        """Return the row of a method, at an operating point if it has several.

        Raises:
            KeyError: if there is no such row.
        """
        for row in self.rows:
            if row.method == method and label in (None, row.label):
                return row
        raise KeyError(f"no row {method!r} {label or ''}: there are {[r.name for r in self.rows]}")

    def to_frame(self) -> Any:
        """Return one line per rule and operating point, as a pandas frame."""
        import pandas

        lines = []
        for row in self.rows:
            line = {"rule": row.name, "promised": row.promised, "threshold": row.threshold}
            for name in ("accuracy", "thinking", "total", "saved", "risk", "risk_solved", "regret"):
                found = getattr(row.measures, name)
                line |= {name: found.estimate, f"{name}_low": found.low, f"{name}_high": found.high}
            lines.append(line)
        return pandas.DataFrame(lines)

    def only(self, methods: Collection[str]) -> "Comparison":
        """Keep the rows and curves of some methods, by their names."""
        rows = tuple(row for row in self.rows if row.method in methods)
        titles = {row.title for row in rows}
        return replace(
            self,
            rows=rows,
            curves={title: curve for title, curve in self.curves.items() if title in titles},
            equal_risk=tuple(point for point in self.equal_risk if point.title in titles),
        )

    def to_json(self) -> str:
        """Return plain JSON; infinity is the string "inf", what is undefined is null."""
        return json.dumps(plain(asdict(self)), indent=1, allow_nan=False) + "\n"

"""Plan a certificate before paying for it: how many problems, and what they would bring."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from probexit.calibration.learn_then_test import LearnThenTest
from probexit.calibration.sample_size import (
    ExpectedSaving,
    Pilot,
    allowed_failures,
    certified_risk,
    outlook,
    problems_needed,
    steps,
)
from probexit.exits import html, terminal
from probexit.exits.policies.threshold import Threshold
from probexit.exits.replay import exit_table
from probexit.experiments.fitting.fit import Fit
from probexit.experiments.fitting.splits import Splits, require_one_each
from probexit.experiments.risk_control.losses.base import Loss

SHARES = (0.0, 0.1, 0.25, 0.5, 0.7, 0.8)  # of alpha: how many problems lose
SIZES = (50, 100, 200, 400, 800, 1600, 3200)


@dataclass(frozen=True)
class Need:
    """How many problems it takes if this share of them loses."""

    share: float
    problems: float


@dataclass(frozen=True)
class Count:
    """What ``problems`` can certify.

    Attributes:
        problems: Calibration problems.
        most: Most losses among them that still certify alpha; -1 if not even none does.
        if_none: Risk that is certified if none of them loses.
        if_one: If one loses.
        if_half: If half as many lose as alpha allows, rounded up.
    """

    problems: int
    most: int
    if_none: float
    if_one: float
    if_half: float


@dataclass(frozen=True)
class Plan:
    """What a promise costs.

    Attributes:
        alpha: The risk that must not be exceeded.
        delta: Chance that the promise fails.
        needs: Problems by the share that loses.
        counts: What sample sizes certify.
        pilot: Problems in the pilot run; 0 without one.
        steps: Calibration problems from which 0, 1, 2, .. may lose.
        outlook: What sample sizes can be expected to save, judged from the pilot.
    """

    alpha: float
    delta: float
    needs: tuple[Need, ...]
    counts: tuple[Count, ...]
    pilot: int = 0
    steps: tuple[int, ...] = ()
    outlook: tuple[ExpectedSaving, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return plain numbers; a number of problems that no effort reaches is None."""
        data = asdict(self)
        for need in data["needs"]:
            need["problems"] = need["problems"] if np.isfinite(need["problems"]) else None
        return data

    def __str__(self) -> str:
        laid = [(title, terminal.table(head, rows, left=0)) for title, head, rows in self._tables()]
        blocks = [f"{title}\n{text}" for title, text in laid]
        return "\n\n".join([self._promise(), *blocks])

    def _repr_html_(self) -> str:
        parts = [html.table(head, rows, title) for title, head, rows in self._tables()]
        return f"<p>{self._promise()}</p>" + "".join(parts)

    def _promise(self) -> str:
        return (
            f"The promise: at most {100 * self.alpha:g} % of new problems lose by stopping early "
            f"(alpha), with confidence {100 * (1 - self.delta):g} % (1 - delta)."
        )

    def _tables(self) -> list[tuple[str, list[str], list[list[str]]]]:
        needs = [[f"{n.share:.2%}", _whole(n.problems)] for n in self.needs]
        counts = [
            [
                str(c.problems),
                str(c.most) if c.most >= 0 else "none do",
                f"{c.if_none:.1%}",
                f"{c.if_one:.1%}",
                f"{c.if_half:.1%}",
            ]
            for c in self.counts
        ]
        looks = [
            [str(o.n), f"{o.certified:.0%}", f"{o.saving:.1%}", f"{o.low:.1%} to {o.high:.1%}"]
            for o in self.outlook
        ]
        half = 100 * self.alpha / 2
        tables = [
            (
                "How many calibration problems it takes",
                ["share that loses", "problems"],
                needs,
            ),
            (
                "What they certify: how many may lose for the promise, the risk per count",
                ["problems", "may lose", "risk if 0 lose", "if 1 loses", f"if {half:g} % lose"],
                counts,
            ),
        ]
        ladder = [[str(n), str(losses)] for losses, n in enumerate(self.steps)]
        title = "Where one more may lose: fewer problems than the next step gain nothing"
        tables.append((title, ["problems", "may lose"], ladder))
        if looks:
            title = f"What they would save, judged from the {self.pilot} problems of the pilot run"
            head = ["problems", "certified", "thinking saved", "nine times in ten"]
            tables.append((title, head, looks))
        return tables


def plan(alpha: float, delta: float, sizes: Sequence[int] = SIZES) -> Plan:
    """Plan a Learn-then-Test certificate without any data.

    Args:
        alpha: The risk that must not be exceeded.
        delta: Chance that the promise fails.
        sizes: Numbers of calibration problems to look at.

    Raises:
        ValueError: on a level outside (0, 1).
    """
    needs = [Need(part * alpha, problems_needed(alpha, delta, part * alpha)) for part in SHARES]
    counts = [_count(n, alpha, delta) for n in sizes]
    return Plan(alpha, delta, tuple(needs), tuple(counts), steps=tuple(steps(alpha, delta)))


def _count(n: int, alpha: float, delta: float) -> Count:
    half = int(np.ceil(round(n * alpha / 2, 9)))
    risks = (certified_risk(k, n, delta) for k in (0, 1, half))
    return Count(n, allowed_failures(n, alpha, delta), *risks)


def with_pilot(made: Plan, pilot: Pilot) -> Plan:
    """Add what the plan's sample sizes would save, judged from a pilot."""
    calibrator = LearnThenTest(made.alpha, made.delta)
    looks = outlook(calibrator, pilot, [count.problems for count in made.counts])
    return replace(made, pilot=len(pilot.losses), outlook=tuple(looks))


def pilot_of(splits: Splits, fitted: Fit, loss: Loss) -> Pilot:
    """Make a pilot of the problems of a run that the probe was not fitted on.

    A saving is a problem's thinking tokens not written, in means of the full run's: the mean over
    problems is the share of all thinking saved.
    """
    traces = splits.calibrate + splits.test
    require_one_each(traces)
    exits = exit_table(Threshold(), [fitted.signal.scores(t) for t in traces], fitted.grid)
    spent = np.array(
        [
            [trace.thinking_at(None if cue < 0 else cue) for cue in row]
            for trace, row in zip(traces, exits.tolist(), strict=True)
        ],
        dtype=np.float64,
    )
    full = np.array([trace.thinking for trace in traces], dtype=np.float64)
    savings = (full[:, None] - spent) / max(full.mean(), 1.0)
    return Pilot(loss.table(traces, exits), savings, fitted.grid.double().numpy())


def _whole(problems: float) -> str:
    return f"{problems:,.0f}" if np.isfinite(problems) else "out of reach"

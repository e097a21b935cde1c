"""Split a run by problem: one part fits the probe, one calibrates, one is only ever tested on.

Where a problem falls follows from its id, the run's seed and the shares alone, so that recording
more problems moves none of those that are there.

Of several rollouts of a problem all are fitted on, and one, rollout 0, calibrates and is tested on.
So the loss of a problem is 0 or 1 and exact tests hold. They promise about a new problem that is
thought about once; taking rollouts for independent problems would overstate what was seen.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from probexit.exits.trace import Trace
from probexit.experiments.recording.rollouts import by_problem, one_each

Shares = tuple[float, float]
FEW: Shares = (0.4, 0.3)
MANY: Shares = (0.2, 0.5)
ENOUGH = 225  # half-way between 150 problems, where MANY saves less, and 300, where it saves more


@dataclass(frozen=True)
class Splits:
    """Three disjoint sets of problems.

    Attributes:
        fit: All rollouts of its problems.
        calibrate: Rollout 0 of each of its problems.
        test: Rollout 0 of each of its problems.
        rollouts: Every rollout of every problem, by problem, for what needs several of them; a
            problem that is missing has one.
    """

    fit: list[Trace]
    calibrate: list[Trace]
    test: list[Trace]
    rollouts: Mapping[str, tuple[Trace, ...]] = field(default_factory=dict)

    def rollouts_of(self, trace: Trace) -> tuple[Trace, ...]:
        """Return every rollout of a trace's problem, in their order."""
        return self.rollouts.get(trace.problem, (trace,))


def shares_for(problems: int) -> Shares:
    """Return the shares that fit and calibrate in a run planned for so many problems.

    Measured against 40 % and 30 %, fitting on 20 % and calibrating on 50 % saved 8.6 points less at
    150 problems, 3 more at 300 and .7 more at 1,000.
    """
    return MANY if problems >= ENOUGH else FEW


def check_shares(shares: Sequence[float]) -> Shares:
    """Return two shares that leave some problems to test on.

    Raises:
        ValueError: unless there are two, above 0, whose sum is below 1.
    """
    if len(shares) != 2 or not min(shares) > 0 or not sum(shares) < 1:
        raise ValueError(f"shares {list(shares)} must be two above 0 that leave some to test on")
    return shares[0], shares[1]


def place(problem: str, seed: int) -> float:
    """Return where in [0, 1) a problem falls: a hash of its id and the seed."""
    digest = hashlib.sha256(f"{seed}\n{problem}".encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48


def split(traces: Sequence[Trace], shares: Shares = (1 / 3, 1 / 3), seed: int = 0) -> Splits:
    """Deal the problems out to fit, calibrate and test.

    Args:
        traces: All traces of a run.
        shares: Shares of the problems that fit and calibrate, on average; the rest tests.
        seed: Seed of the hash.

    Raises:
        ValueError: on shares out of range, or if a part stays empty.
    """
    first, second = check_shares(shares)
    parts: dict[str, list[Trace]] = {"fit": [], "calibrate": [], "test": []}
    for trace in traces:
        u = place(trace.problem, seed)
        parts["fit" if u < first else "calibrate" if u < first + second else "test"].append(trace)
    empty = [name for name, part in parts.items() if not part]
    if empty:
        problems = len({trace.problem for trace in traces})
        raise ValueError(
            f"{problems} problems leave none to {' and '.join(empty)}: record more (--n)"
        )
    calibrate, test = one_each(parts["calibrate"]), one_each(parts["test"])
    return Splits(parts["fit"], calibrate, test, by_problem(traces))


def require_unseen(splits: Splits, fitted: Collection[str]) -> None:
    """Refuse to calibrate or test on a problem that the probe was fitted on.

    Raises:
        ValueError: naming one such problem.
    """
    seen = sorted({t.problem for t in (*splits.calibrate, *splits.test)} & set(fitted))
    if seen:
        raise ValueError(
            f"the probe was fitted on {len(seen)} problems of the calibration or test split, "
            f"such as {seen[0]!r}: run `probexit fit` again"
        )


def require_one_each(traces: Sequence[Trace]) -> None:
    """Refuse several rollouts of a problem: they depend on each other, and a unit is a problem.

    Raises:
        ValueError: naming a problem that comes twice.
    """
    met: set[str] = set()
    for trace in traces:
        if trace.problem in met:
            raise ValueError(
                f"problem {trace.problem!r} has several rollouts, which are not independent: "
                "keep one of each problem"
            )
        met.add(trace.problem)

"""Read a decision log: is the promise kept, and do the scores still look as they did?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from probexit.calibration.base import Array
from probexit.calibration.drift import DriftAlarm
from probexit.calibration.statistics.intervals import Interval, clopper_pearson
from probexit.exits.controller import ExitController
from probexit.exits.html import facts
from probexit.exits.production.log import Decision
from probexit.exits.replay import exits
from probexit.exits.trace import Trace


@dataclass(frozen=True)
class Watched:
    """What a log says.

    Attributes:
        requests: Requests served.
        exited: How many of them were left at a cue.
        audited: How many thought to the end for the audit.
        agreement: Share of the audited whose exit gives the full run's answer; None without any.
        silent: Requests without a cue: nothing to watch in them.
        rang: Number of the request (from 1) at which the drift alarm rang; None if it did not.
        wealth: ``[requests with a cue]`` the alarm's evidence after each.
        level: Chance that the alarm ever rings though nothing drifts.
    """

    requests: int
    exited: int
    audited: int
    agreement: Interval | None
    silent: int
    rang: int | None
    wealth: Array
    level: float

    def facts(self) -> dict[str, str]:
        """Return the findings in words."""
        agreement = "nothing audited yet"
        if self.agreement is not None:
            agreement = f"{self.agreement:.1%} (95 % interval)"
        rang = "quiet" if self.rang is None else f"RANG at request {self.rang}"
        evidence = f"evidence {self.wealth[-1]:.2g}" if len(self.wealth) else "nothing to watch"
        return {
            "requests": f"{self.requests}, {self.silent} of them without a cue",
            "stopped early": str(self.exited),
            "audited": str(self.audited),
            "exit agrees with full run": agreement,
            "drift alarm": f"{rang}; {evidence}, rings at {1 / self.level:g}",
        }

    def __str__(self) -> str:
        return "\n".join(f"  {name:<28}{value}" for name, value in self.facts().items())

    def _repr_html_(self) -> str:
        return facts(self.facts())


def watch(
    decisions: Sequence[Decision], reference: Array, level: float = 0.05, seed: int = 0
) -> Watched:
    """Go through a log in order.

    Args:
        decisions: The lines of one controller.
        reference: ``[n]`` what ``reference_scores`` gives on the calibration problems.
        level: Chance that the alarm ever rings though nothing drifts.
        seed: Seed of its tie-breaking.

    Raises:
        ValueError: if the log is empty or the reference is.
    """
    if not decisions:
        raise ValueError("the log holds no decision of this controller")
    alarm = DriftWatch(reference, level, seed)
    for decision in decisions:
        alarm.see(decision)
    audits = [decision.agrees for decision in decisions if decision.audit is not None]
    return Watched(
        requests=len(decisions),
        exited=sum(decision.exited for decision in decisions),
        audited=len(audits),
        agreement=clopper_pearson(sum(map(bool, audits)), len(audits)) if audits else None,
        silent=sum(not decision.scores for decision in decisions),
        rang=alarm.rang,
        wealth=np.array(alarm.wealth),
        level=level,
    )


class DriftWatch:
    """The drift alarm over decisions as they come: in a log, or in a running server.

    Attributes:
        rang: Number of the decision (from 1) at which it rang; None if it did not.
        wealth: Its evidence after each decision with a cue.
    """

    def __init__(self, reference: Array, level: float = 0.05, seed: int = 0) -> None:
        """Take what is normal; the arguments are those of ``watch``.

        Raises:
            ValueError: if the reference is empty.
        """
        self._alarm = DriftAlarm(level, seed=seed).fit(reference)
        self._seen = 0
        self.rang: int | None = None
        self.wealth: list[float] = []

    @property
    def evidence(self) -> float:
        """What the bet against "nothing drifted" has grown to; 1 at the start."""
        return self._alarm.wealth_

    def see(self, decision: Decision) -> None:
        """Take one more decision; without a cue there is nothing to watch in it."""
        self._seen += 1
        if not decision.scores:
            return
        if self._alarm.update(_until(decision.scores, decision.cue)) and self.rang is None:
            self.rang = self._seen
        self.wealth.append(self._alarm.wealth_)


def reference_scores(controller: ExitController, traces: Sequence[Trace]) -> Array:
    """Replay a controller on recorded traces: ``[n]`` one number for each trace with a cue.

    The mean score up to where the rule leaves: the same number that a log line gives, as a live
    request shows no score behind its exit.
    """
    scores = [controller.signal.scores(trace) for trace in traces if len(trace.cues)]
    left = exits(controller.policy, scores)
    pairs = zip(scores, left, strict=True)
    return np.array([_until(one.tolist(), cue) for one, cue in pairs])


def _until(scores: Sequence[float], cue: int | None) -> float:
    """Average the scores up to and with the cue where the rule left."""
    return float(np.mean(scores if cue is None else scores[: cue + 1]))

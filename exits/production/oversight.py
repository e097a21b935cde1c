"""What a running server takes from outside `exits` to look at its own decisions.

`exits` knows neither the run that a controller was calibrated on nor how a task's answers are
compared; whoever starts a server with a decision log may give it both.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from probexit.exits.answers.key import same_answer
from probexit.exits.controller import ExitController
from probexit.exits.production.log import Decision


class Alarm(Protocol):
    """Watches the decisions of one controller for drift, in the order in which they come."""

    @property
    def evidence(self) -> float:
        """What the bet against "nothing drifted" has grown to; 1 at the start."""

    @property
    def rang(self) -> int | None:
        """Number of the decision (from 1) at which the alarm rang; None if it did not."""

    def see(self, decision: Decision) -> None:
        """Take one more decision."""


@dataclass(frozen=True)
class Oversight:
    """How decisions are looked at while they are made.

    Attributes:
        same: Tells whether two answers agree, given the texts behind the thinking: the full run's,
            and that of an exit.
        alarm: Makes the drift alarm of a controller; None where nothing is known to compare with.
    """

    same: Callable[[str, str], bool] = same_answer
    alarm: Callable[[ExitController], Alarm] | None = None

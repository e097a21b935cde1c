"""The contract of a published exit rule as a preset: a few lines, one file each."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.outcome import Outcome
from probexit.experiments.methods.core.threshold_sweep import ThresholdSweep


class MethodFamily(StrEnum):
    """What a rule looks at; the table's order."""

    REFERENCE = "reference"
    BLIND = "no signal"
    TRIAL = "trial answers"
    LOGITS = "logits"
    TEXT = "text"
    HIDDEN = "hidden states"
    STEERING = "steering"
    INTERVENTION = "intervention"
    ROUTING = "before thinking"
    SAMPLES = "several samples"
    MORE = "more compute"
    ABSTAIN = "answer or abstain"
    SWITCH = "two models"
    BOUND = "bound"


class Unavailable(ValueError):
    """This rule cannot be applied to these traces; the message says why and what would help."""


@dataclass(frozen=True)
class Method(ABC):
    """An exit rule with its defaults. Fields are its hyper-parameters.

    A rule decides on the test traces without looking at their grades. What needs fitting is fitted
    on ``context.splits.fit``, what needs a threshold is calibrated on ``context.splits.calibrate``.
    The docs page shows the class docstring: it says what differs from the paper.

    Attributes:
        title: Its name in the table, at most 24 characters.
        family: What it looks at.
        reads: The same in words.
        cost: What it decodes beyond the thinking itself.
        training: What must be trained.
        guarantee: What it promises, and for what.
        source: Where it was published: an arXiv id, or "".
        summary: When it exits, in one line.
        deployable: False for a rule that looks at the grades of the test traces.
        replayed: False for a method that changes the text: it has no place in a recorded trace, so
            it generates anew, on the same problems, with ``context.bench``.
    """

    title: ClassVar[str]
    family: ClassVar[MethodFamily]
    reads: ClassVar[str]
    cost: ClassVar[str] = "none"
    training: ClassVar[str] = "none"
    guarantee: ClassVar[str] = "none"
    source: ClassVar[str] = ""
    summary: ClassVar[str]
    deployable: ClassVar[bool] = True
    replayed: ClassVar[bool] = True

    @abstractmethod
    def outcomes(self, context: Context) -> list[Outcome]:
        """Apply the rule to the test traces, at each of its operating points.

        Raises:
            Unavailable: if these traces do not allow it.
        """

    def sweep(self, context: Context) -> ThresholdSweep | None:
        """Return the rule over all its thresholds; None, the default, if it has none.

        Raises:
            Unavailable: as ``outcomes``.
        """
        return None

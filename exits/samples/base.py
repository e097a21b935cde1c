"""The contract of a rule over several samples of one problem."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar


class State(Enum):
    """Where a sample stands at its group's clock."""

    WAITING = "has not begun"
    RUNNING = "is being written"
    FINISHED = "ended by itself"
    CUT = "ended at the token limit"
    STOPPED = "was stopped by the rule"


@dataclass
class Sample:
    """One sample of a problem.

    The engine may have written further than the group's clock stands: only the first ``tokens``
    entries of the columns have happened for the rule.

    Attributes:
        ids: Generated tokens.
        logprobs: Log-probability of each under the model (temperature 1).
        entropies: Entropy (nats) of the distribution each was drawn from.
        confidences: Mean negative log-probability of the 20 likeliest tokens there; larger = surer.
        tokens: Tokens written at the clock.
        state: Where it stands at the clock.
        text: What it says; "" until none is running, and for rules that do not read it.
    """

    ids: Sequence[int] = ()
    logprobs: Sequence[float] = ()
    entropies: Sequence[float] = ()
    confidences: Sequence[float] = ()
    tokens: int = field(default=0)
    state: State = State.WAITING
    text: str = ""


@dataclass(frozen=True)
class SampleRule(ABC):
    """Looks at the samples of one problem, which are written in step, and stops some of them.

    A pure function of the samples; it reads no answer, so that a sample may be stopped before it
    has one.

    Attributes:
        k: Samples of a problem.
        reads_text: Whether ``weights`` reads what the samples say.
    """

    reads_text: ClassVar[bool] = False

    k: int = 4

    def __post_init__(self) -> None:
        if self.k < 1:
            raise ValueError(f"k={self.k}: a problem needs at least one sample")

    @property
    def warm_up(self) -> int:
        """How many samples are written to their end before the others begin."""
        return 0

    @abstractmethod
    def stop(self, group: Sequence[Sample]) -> list[int]:
        """Say which running samples to stop now; asked once per token.

        Args:
            group: The ``k`` samples at the clock, the ``warm_up`` first.
        """

    def weights(self, group: Sequence[Sample]) -> list[float]:
        """Say how much each sample's answer counts once none is running; 0 = not at all.

        By default every sample that ended by itself has one vote.
        """
        return [float(sample.state is State.FINISHED) for sample in group]

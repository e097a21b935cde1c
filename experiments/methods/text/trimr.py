"""Leave once steps in a row come to the same answer (TrimR, arXiv 2505.17155)."""

from dataclasses import dataclass
from typing import ClassVar

from probexit.exits.signals.base import Signal
from probexit.exits.signals.stated_run import StatedRun
from probexit.exits.verifiers.base import Verifier
from probexit.exits.verifiers.stated_answer import StatedAnswer
from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.threshold_rule import ThresholdRule


@dataclass(frozen=True)
class TrimR(ThresholdRule):
    """Exit when a verifier has found so many steps in a row to come to the same as the one before.

    The paper asks a language model of 7 billion parameters and adds rules for underthinking and
    repetition; how many it requires was not verified. Here the default verifier compares the
    answers that the steps state in words; ``exits.verifiers.language_model`` asks a model. One and
    two confirmations are shown, and a certified number.

    Attributes:
        verifier: Judges whether two steps come to the same.
        confirmations: Numbers shown.
    """

    title: ClassVar[str] = "TrimR"
    family: ClassVar[MethodFamily] = MethodFamily.TEXT
    reads: ClassVar[str] = "answers stated in the thinking"
    cost: ClassVar[str] = "none; a judgement a step with a language model as verifier"
    guarantee: ClassVar[str] = "risk at most alpha, where certified"
    source: ClassVar[str] = "2505.17155"
    summary: ClassVar[str] = "exits once steps in a row come to the same answer"
    verifier: Verifier = StatedAnswer()  # noqa: RUF009  # frozen
    confirmations: tuple[int, ...] = (1, 2)

    def signal(self, context: Context) -> Signal:
        return StatedRun(self.verifier)

    def points(self, context: Context) -> dict[str, float]:
        return {f"{number} confirmed": float(number) for number in self.confirmations}

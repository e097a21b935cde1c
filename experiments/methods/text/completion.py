"""Leave once a solution has been stated (after Solve-Detect-Verify, arXiv 2505.11966)."""

from dataclasses import dataclass
from typing import ClassVar

from probexit.exits.signals.base import Signal
from probexit.exits.signals.completion import Completion
from probexit.exits.verifiers.base import Verifier
from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.threshold_rule import ThresholdRule


@dataclass(frozen=True)
class CompletionPoint(ThresholdRule):
    """Exit at a completion point: a step whose words state a solution.

    The paper asks the model at hesitation words whether its solution is complete, judges it with a
    trained generative verifier and lets the model repair what is wrong. Here the words alone tell;
    a verifier, if given, must find that a completion point comes to the same as the one before.
    Shown at the first point, as in the paper, and certified.

    Attributes:
        verifier: Judges whether two completion points come to the same; None trusts each.
    """

    title: ClassVar[str] = "completion point"
    family: ClassVar[MethodFamily] = MethodFamily.TEXT
    reads: ClassVar[str] = "words that state a solution"
    cost: ClassVar[str] = "none; a judgement a solution with a language model as verifier"
    guarantee: ClassVar[str] = "risk at most alpha, where certified; none at the first"
    source: ClassVar[str] = "2505.11966"
    summary: ClassVar[str] = "exits once the thinking has stated a solution"
    verifier: Verifier | None = None

    def signal(self, context: Context) -> Signal:
        return Completion(verifier=self.verifier)

    def points(self, context: Context) -> dict[str, float]:
        return {"first completion": 1.0}

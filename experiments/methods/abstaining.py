"""Where each trace was left, and whether its answer was given at all."""

from dataclasses import dataclass, field, replace

from torch import Tensor

from probexit.experiments.methods.outcome import Outcome
from probexit.experiments.methods.tally import Ledger, Tally


@dataclass(frozen=True)
class AbstainingOutcome(Outcome):
    """One rule at one operating point that keeps some answers to itself.

    An abstention is not a right answer, and loses nothing: what was not said is not wrong.

    Attributes:
        answered: ``[n]`` bool.
    """

    answered: Tensor = field(kw_only=True)

    @property
    def coverage(self) -> float:
        """Share of the problems that are answered; NaN of none."""
        return float(self.answered.double().mean())

    def tally(self, ledger: Ledger) -> Tally:
        left, given = super().tally(ledger), self.answered.double().numpy()
        return replace(left, correct=left.correct * given, loss=left.loss * given)

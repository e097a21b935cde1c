"""Where a rule left each trace, at which threshold, and what it promised."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from probexit.calibration.certificate import Certificate
from probexit.exits.replay import NO_EXIT
from probexit.experiments.methods.tally import Ledger, Tally


@dataclass(frozen=True)
class Outcome:
    """One rule at one operating point, over ``n`` test traces.

    Attributes:
        label: The operating point, such as "certified 5 %"; "" if there is only one.
        exits: ``[n]`` index of the cue where each trace was left, ``NO_EXIT`` or ``START``; empty
            if live.
        probing: ``[n]`` tokens decoded only to decide.
        threshold: The threshold used; None if the rule has none.
        certificate: What was promised; None if nothing was.
        note: What the reader must know about this row; "" if nothing.
        live: Whether the tokens were generated anew instead of replayed.
    """

    live: ClassVar[bool] = False
    label: str
    exits: Tensor
    probing: Tensor
    threshold: float | None = None
    certificate: Certificate | None = None
    note: str = ""

    @property
    def exited(self) -> float:
        """Share of the traces left early; NaN if that is not known."""
        return float((self.exits != NO_EXIT).double().mean())

    def tally(self, ledger: Ledger) -> Tally:
        """Count what leaving there gave, by the ledger of the test traces."""
        return ledger.tally(self.exits.numpy(), self.probing.double().numpy())

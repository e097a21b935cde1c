"""Make a loss of any function: what leaving at each cue costs you, in [0, 1]."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from probexit.exits.trace import Trace
from probexit.experiments.risk_control.losses.base import GivenAnswer, Loss


@dataclass(frozen=True)
class CustomLoss(Loss):
    """The loss that a function gives.

    Attributes:
        function: Maps a trace to the loss of leaving at each of its cues, ``[c]`` in [0, 1].
        answered: Maps a trace and an answer given without its thinking to the loss in [0, 1]; None
            says nothing about such answers.
    """

    function: Callable[[Trace], Tensor]
    answered: Callable[[Trace, GivenAnswer], float] | None = None

    def at_cues(self, trace: Trace) -> Tensor:
        losses = self.function(trace).float()
        if losses.shape != (len(trace.cues),):
            raise ValueError(
                f"the loss gave {list(losses.shape)} for a trace of {len(trace.cues)} cues: "
                "return one number per cue"
            )
        if len(losses) and not bool(((losses >= 0) & (losses <= 1)).all()):
            raise ValueError(f"the loss gave {losses.tolist()}: keep it in [0, 1]")
        return losses

    def at_answer(self, trace: Trace, answer: GivenAnswer) -> float:
        return float("nan") if self.answered is None else self.answered(trace, answer)

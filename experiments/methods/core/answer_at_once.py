"""What rules share that decide before the thinking whether to answer at once."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from probexit.calibration.base import Array
from probexit.calibration.certificate import Certificate
from probexit.exits.replay import NO_EXIT
from probexit.exits.trace import Trace
from probexit.experiments.fitting.grids import spread
from probexit.experiments.methods.core.accounting import START, ExitValues
from probexit.experiments.methods.core.base import Method, MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.outcome import Outcome
from probexit.experiments.risk_control.certify import LossTable

Scorer = Callable[[Sequence[Trace]], Tensor]  # n traces -> [n]; larger = likelier right at once


@dataclass(frozen=True)
class AnswerAtOnce(Method):
    """Answer without thinking where a score of the question says that this would be right.

    The other problems are thought through to the end. One threshold is shown uncertified, and one
    is certified on the calibration split.

    Attributes:
        even: The threshold shown uncertified.
    """

    family: ClassVar[MethodFamily] = MethodFamily.ROUTING
    guarantee: ClassVar[str] = "risk at most alpha, where certified"
    even: float = 0.5

    @abstractmethod
    def scorer(self, context: Context) -> Scorer:
        """Return the score of a question, fitted on the fit split.

        Raises:
            Unavailable: if there is nothing to learn from.
        """

    def outcomes(self, context: Context) -> list[Outcome]:
        scorer = self.scorer(context)
        found = self._certified(context, scorer)
        scores = scorer(context.splits.test)
        return [
            _route(f"score {self.even:g}", scores, self.even),
            _route(f"certified {100 * context.alpha:g} %", scores, found.threshold, found),
        ]

    def _certified(self, context: Context, scorer: Scorer) -> Certificate:
        """Certify a threshold on the calibration split; the grid is from the fit split."""
        grid = spread(scorer(context.splits.fit))
        traces = context.splits.calibrate
        exit_values = ExitValues.of(traces, context.closing, context.loss)
        places = torch.where(scorer(traces)[:, None] >= grid, START, NO_EXIT)
        losses: Array = exit_values.trace_results(places.numpy()).loss
        problems = tuple(trace.problem for trace in traces)
        name = type(self).__module__.rpartition(".")[2]
        return context.certified_losses(name, context.alpha, LossTable(problems, losses, grid))


def _route(
    label: str, scores: Tensor, threshold: float, found: Certificate | None = None
) -> Outcome:
    places = torch.where(scores.double() >= threshold, START, NO_EXIT)
    return Outcome(label, places, torch.zeros_like(places), threshold, found)

"""Decide before thinking whether to think at all: routing by a probe on the question."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from probexit.calibration.base import Array
from probexit.calibration.certificate import Certificate, certify
from probexit.exits.replay import NO_EXIT
from probexit.exits.trace import Trace
from probexit.experiments.fitting.grids import spread
from probexit.experiments.methods.core.accounting import START, ExitValues
from probexit.experiments.methods.core.base import Method, MethodFamily
from probexit.experiments.methods.core.before_thinking import start_of, start_probe, start_states
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.outcome import Outcome
from probexit.probes.base import Probe


@dataclass(frozen=True)
class ThinkOrNot(Method):
    """Answer at once where a probe on the last prompt token says that this would be right.

    The other problems are thought through to the end. Nothing is published under this name with a
    guarantee: the probe is that of DiffAdapt (arXiv 2510.19669), the answer without thinking that
    of NoThinking (arXiv 2504.09858), and the threshold is certified by Learn-then-Test.

    Attributes:
        even: The threshold shown uncertified: at a half, a right answer is the likelier.
    """

    title: ClassVar[str] = "think or not"
    family: ClassVar[MethodFamily] = MethodFamily.ROUTING
    reads: ClassVar[str] = "last prompt token's hidden states"
    training: ClassVar[str] = "probe on graded answers without thinking"
    guarantee: ClassVar[str] = "risk at most alpha, where certified"
    source: ClassVar[str] = "2510.19669"
    summary: ClassVar[str] = "answers at once what a probe says it can"
    even: float = 0.5

    def outcomes(self, context: Context) -> list[Outcome]:
        probe = self._probe(context)
        found = self._certified(context, probe)
        scores = _scores(probe, context.splits.test)
        return [
            _route("even odds", scores, self.even),
            _route(f"certified {100 * context.alpha:g} %", scores, found.threshold, found),
        ]

    def _probe(self, context: Context) -> Probe:
        right = [bool(start_of(trace).correct[0]) for trace in context.splits.fit]
        return start_probe(context, right)

    def _certified(self, context: Context, probe: Probe) -> Certificate:
        """Certify a threshold on the calibration split; the grid is from the fit split."""
        grid = spread(_scores(probe, context.splits.fit))
        traces = context.splits.calibrate
        exit_values = ExitValues.of(traces, context.closing, context.loss)
        answered = _scores(probe, traces)[:, None] >= grid
        losses: Array = exit_values.trace_results(
            torch.where(answered, START, NO_EXIT).numpy()
        ).loss
        return certify(context.calibrator(context.alpha), losses, grid.double().numpy())


def _scores(probe: Probe, traces: list[Trace]) -> Tensor:
    """Return the probe's score of each trace, ``[n]``."""
    if not traces:
        return torch.empty(0)
    return probe.score(start_states(traces))


def _route(
    label: str, scores: Tensor, threshold: float, found: Certificate | None = None
) -> Outcome:
    places = torch.where(scores.double() >= threshold, START, NO_EXIT)
    return Outcome(label, places, torch.zeros_like(places), threshold, found)

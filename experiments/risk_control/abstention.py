"""Join exits and abstention: how sure the model is of the answer that it gives where it is left."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from torch import Tensor

from probexit.calibration.base import Array, Bools
from probexit.calibration.metrics.risk_coverage import RiskCoverage, risk_coverage
from probexit.exits.replay import NO_EXIT
from probexit.exits.signals.base import Signal
from probexit.exits.trace import Trace

Confidence = Callable[[Trace, int], float]
"""How sure one may be of the answer at a cue, or at ``NO_EXIT``; 0 if there is none."""


@dataclass(frozen=True)
class Answers:
    """The answers of ``n`` traces, each left at some place.

    Attributes:
        confidences: ``[n]`` in [0, 1]; 0 where there is no answer.
        wrong: ``[n]`` bool.
        problems: ``[n]`` problem of each.
    """

    confidences: Array
    wrong: Bools
    problems: tuple[str, ...]

    @classmethod
    def at(
        cls, traces: Sequence[Trace], exits: Tensor, confidence: "Confidence | None" = None
    ) -> Self:
        """Read the answers off.

        Args:
            traces: ``n`` traces.
            exits: ``[n]`` cue indices or ``NO_EXIT``.
            confidence: The confidence of an answer; None takes ``confidence_at``.
        """
        pairs = list(zip(traces, exits.tolist(), strict=True))
        return cls(
            np.array([(confidence or confidence_at)(*pair) for pair in pairs], dtype=np.float64),
            np.array([not t.correct_at(None if at == NO_EXIT else at) for t, at in pairs], bool),
            tuple(trace.problem for trace in traces),
        )

    def curve(self) -> RiskCoverage:
        """Return the risk among the surest answers as more and more are given."""
        return risk_coverage(self.confidences, ~self.wrong, self.problems)


def last_score(signal: Signal) -> Confidence:
    """Return the signal's score, in [0, 1], at the cue left at; at the last one for the full run.

    A trace without cues was never looked at: 0.
    """

    def score(trace: Trace, place: int) -> float:
        at = len(trace.cues) - 1 if place == NO_EXIT else place
        return float(signal.scores(trace)[at]) if at >= 0 else 0.0

    return score


def confidence_at(trace: Trace, place: int) -> float:
    """Return the geometric mean probability of the answer's tokens; 0 if there is no answer.

    Arxiv 2502.13962 takes the sum of log-probabilities. The mean is taken here because the full run
    says its answer in words of its own, of any length; the token that ends its thinking is not one
    of them.

    Args:
        trace: A recorded trace.
        place: The cue it is left at, or ``NO_EXIT``.
    """
    if place == NO_EXIT:
        said = trace.logprobs[trace.begins + trace.thinking + 1 :]
        return float(said.double().mean().exp()) if trace.answer and len(said) else 0.0
    tokens = int(trace.cues.answer_tokens[place])
    if not tokens or not trace.cues.answers[place]:
        return 0.0
    return float(trace.cues.answer_logprobs[place, :tokens].double().mean().exp())

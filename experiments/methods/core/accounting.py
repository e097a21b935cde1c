"""What leaving at some cue gives and costs: written down once, looked up for every rule."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from probexit.calibration.base import Array
from probexit.exits.answers.key import same_answer
from probexit.exits.trace import Trace
from probexit.experiments.risk_control.losses.base import GivenAnswer, Loss

# Places a trace can be left at: a cue's index, NO_EXIT (-1, the full run), START (-2, no thinking).
# The last two count from the end, as indices do, so a ledger holds [cues .., start, full run].
START = -2


@dataclass(frozen=True)
class TraceResults:
    """What a rule did on each of ``n`` traces, all of one shape ``[n, ...]``, float64.

    Attributes:
        correct: 1 where the answer is right.
        loss: The loss, in [0, 1].
        thinking: Thinking tokens.
        answer: Tokens that close the thinking, and the answer.
        probing: Tokens decoded only to decide.
    """

    correct: Array
    loss: Array
    thinking: Array
    answer: Array
    probing: Array

    @property
    def total(self) -> Array:
        """All tokens that the rule paid for."""
        return self.thinking + self.answer + self.probing


@dataclass(frozen=True)
class ExitValues:
    """Correct, loss, thinking and answer tokens of every place of ``n`` traces.

    Attributes:
        columns: ``[4, n, most cues + 2]``; NaN at places that a trace does not have.
    """

    columns: Array

    @classmethod
    def of(cls, traces: Sequence[Trace], closing: int, loss: Loss) -> Self:
        """Write the ledger of some traces.

        Args:
            traces: ``n`` traces.
            closing: Tokens that close the thinking and start the answer on an exit.
            loss: What to count as lost.
        """
        most = max((len(trace.cues) for trace in traces), default=0)
        columns = np.full((4, len(traces), most + 2), np.nan)
        for i, trace in enumerate(traces):
            columns[:, i, : len(trace.cues)] = _at_cues(trace, closing, loss)
            columns[:, i, START] = _before_thinking(trace, closing, loss)
            columns[:, i, -1] = _at_end(trace, loss)
        return cls(columns)

    def trace_results(
        self, places: NDArray[np.int64], probing: Array | None = None
    ) -> TraceResults:
        """Look up what leaving each trace at ``places [n, ...]`` gives.

        Args:
            places: Cue index, ``NO_EXIT`` or ``START``.
            probing: Tokens decoded only to decide, in the shape of ``places``; none if None.
        """
        own = np.arange(len(places)).reshape(-1, *[1] * (places.ndim - 1))
        correct, loss, thinking, answer = self.columns[:, own, places]
        none = np.zeros(places.shape) if probing is None else probing
        return TraceResults(correct, loss, thinking, answer, none)


def _at_cues(trace: Trace, closing: int, loss: Loss) -> Array:
    cues = trace.cues
    spent = cues.positions + 1 - trace.begins
    answer = cues.answer_tokens + closing
    columns = (cues.correct, loss.at_cues(trace), spent, answer)
    return np.stack([column.double().numpy() for column in columns])


def _at_end(trace: Trace, loss: Loss) -> tuple[float, float, float, float]:
    answer = len(trace.token_ids) - trace.begins - trace.thinking
    return float(trace.correct), loss.at_end(trace), float(trace.thinking), float(answer)


def _before_thinking(trace: Trace, closing: int, loss: Loss) -> tuple[float, float, float, float]:
    if trace.start is None:
        return (np.nan,) * 4
    right = bool(trace.start.correct[0])
    text = trace.start.answers[0]
    given = GivenAnswer(text, right, same_answer(text, trace.answer))
    lost = loss.at_answer(trace, given)
    answer = int(trace.start.answer_tokens[0]) + closing
    return float(right), lost, 0.0, float(answer)

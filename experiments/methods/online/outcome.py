"""A live rule in the comparison: fresh answers, held against the recorded full run.

At a temperature above 0 another run of the same problem is another run: it may lose an answer, or
find one, with no rule at all. A live row therefore is to be read beside the row "full run again",
not beside "full run", which is 0 by definition.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Self

import numpy as np
import torch

from probexit.calibration.base import Array
from probexit.exits.trace import Trace
from probexit.experiments.methods.core.accounting import ExitValues, TraceResults
from probexit.experiments.methods.core.outcome import Outcome
from probexit.experiments.methods.online.result_store import Fresh
from probexit.experiments.risk_control.losses.base import GivenAnswer, Loss


@dataclass(frozen=True)
class FreshOutcome(Outcome):
    """A rule that generated the test problems anew, at one operating point.

    Attributes:
        measured: What came of it, ``[n]`` each.
        closed: Share of the problems whose thinking the rule closed.
    """

    live: ClassVar[bool] = True
    measured: TraceResults = field(kw_only=True)
    closed: float = field(kw_only=True)

    @classmethod
    def of(
        cls,
        label: str,
        results: Sequence[Fresh],
        traces: Sequence[Trace],
        loss: Loss,
        same: Callable[[str, str], bool],
    ) -> Self:
        """Hold fresh results against the recorded traces of the same problems.

        Args:
            label: The operating point.
            results: One per trace.
            traces: ``n`` recorded traces.
            loss: What to count as lost.
            same: The task's comparison of two answers.
        """
        columns = [
            [new.correct for new in results],
            fresh_losses(results, traces, loss, same),
            [new.thinking for new in results],
            [new.answer_tokens for new in results],
            [new.probing for new in results],
        ]
        measured = TraceResults(*(np.array(column, np.float64) for column in columns))
        closed = float(np.mean([new.exited for new in results])) if results else float("nan")
        return cls(
            label,
            torch.empty(0, dtype=torch.long),
            torch.from_numpy(measured.probing).long(),
            measured=measured,
            closed=closed,
        )

    @property
    def exited(self) -> float:
        return self.closed

    def trace_results(self, exit_values: ExitValues) -> TraceResults:
        return self.measured


def fresh_losses(
    results: Sequence[Fresh], traces: Sequence[Trace], loss: Loss, same: Callable[[str, str], bool]
) -> Array:
    """Return what each fresh answer loses against the recorded run of its problem, ``[n]``."""
    pairs = zip(results, traces, strict=True)
    found = [fresh_loss(loss, new, old, same(new.answer, old.answer)) for new, old in pairs]
    return np.array(found, np.float64)


def fresh_loss(loss: Loss, fresh: Fresh, trace: Trace, agrees: bool) -> float:
    """Return what a fresh answer loses against the recorded full run.

    Args:
        loss: What to count as lost.
        fresh: The fresh answer.
        trace: The recorded trace of the same problem.
        agrees: Whether it equals the recorded full run's.
    """
    return loss.at_answer(trace, GivenAnswer(fresh.answer, fresh.correct, agrees))

"""Where a rule left each trace, at which threshold, and what it promised."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Self

import torch
from torch import Tensor

from probexit.calibration.certificate import Certificate
from probexit.exits.answers.key import answer_key
from probexit.exits.replay import NO_EXIT
from probexit.exits.trace import Trace
from probexit.experiments.methods.core.accounting import ExitValues, TraceResults


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
        calibration: Tokens generated only to certify it; 0 where recorded traces did.
        live: Whether the tokens were generated anew instead of replayed.
    """

    live: ClassVar[bool] = False
    label: str
    exits: Tensor
    probing: Tensor
    threshold: float | None = None
    certificate: Certificate | None = None
    note: str = ""
    calibration: int = 0

    @property
    def exited(self) -> float:
        """Share of the traces left early; NaN if that is not known."""
        return float((self.exits != NO_EXIT).double().mean())

    def trace_results(self, exit_values: ExitValues) -> TraceResults:
        """Count what leaving there gave, by the ledger of the test traces."""
        return exit_values.trace_results(self.exits.numpy(), self.probing.double().numpy())


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

    def trace_results(self, exit_values: ExitValues) -> TraceResults:
        left, given = super().trace_results(exit_values), self.answered.double().numpy()
        return replace(left, correct=left.correct * given, loss=left.loss * given)


@dataclass(frozen=True)
class VotedOutcome(Outcome):
    """One rule at one operating point whose answer is not always that of the place it left at.

    Attributes:
        voters: ``[n]`` cue whose answer won, or ``NO_EXIT`` where the full run's did.
    """

    voters: Tensor = field(kw_only=True)

    @classmethod
    def of(cls, traces: Sequence[Trace], h: int, closing: int) -> Self:
        """Leave at the ``h``-th cue with the majority of the answers so far.

        The vote's trial answers are paid for, all but the one that is decoded at the exit itself.

        Args:
            traces: ``n`` traces.
            h: How many cues vote.
            closing: Tokens that close the thinking and start the answer.
        """
        exits = [h - 1 if len(trace.cues) >= h else NO_EXIT for trace in traces]
        voters = [_winner(trace, h) for trace in traces]
        spent = [int((t.cues.answer_tokens + closing)[: h - 1].sum()) for t in traces]
        at = [torch.tensor(column, dtype=torch.long) for column in (exits, spent, voters)]
        return cls(f"first {h}", at[0], at[1], voters=at[2])

    def trace_results(self, exit_values: ExitValues) -> TraceResults:
        left = super().trace_results(exit_values)
        said = exit_values.trace_results(self.voters.numpy())
        return replace(left, correct=said.correct, loss=said.loss)


def _winner(trace: Trace, h: int) -> int:
    """Return the latest voter for the answer with most votes; of equal ones, the latest given."""
    votes = [(i, answer_key(answer)) for i, answer in enumerate(trace.cues.answers[:h])]
    if len(trace.cues) < h:
        votes.append((NO_EXIT, answer_key(trace.answer)))
    counts = Counter(answer for _, answer in votes if answer)
    if not counts:
        return votes[-1][0]
    most = max(counts.values())
    return next(i for i, answer in reversed(votes) if counts[answer] == most)

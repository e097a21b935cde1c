"""Where each trace was left, with an answer voted from all forced answers up to there."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import torch
from torch import Tensor

from probexit.exits.replay import NO_EXIT
from probexit.exits.trace import Trace
from probexit.experiments.methods.outcome import Outcome
from probexit.experiments.methods.tally import Ledger, Tally


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

    def tally(self, ledger: Ledger) -> Tally:
        left = super().tally(ledger)
        said = ledger.tally(self.voters.numpy())
        return replace(left, correct=said.correct, loss=said.loss)


def _winner(trace: Trace, h: int) -> int:
    """Return the latest voter for the answer with most votes; of equal ones, the latest given."""
    votes = [(i, answer.strip()) for i, answer in enumerate(trace.cues.answers[:h])]
    if len(trace.cues) < h:
        votes.append((NO_EXIT, trace.answer.strip()))
    counts = Counter(answer for _, answer in votes if answer)
    if not counts:
        return votes[-1][0]
    most = max(counts.values())
    return next(i for i, answer in reversed(votes) if counts[answer] == most)

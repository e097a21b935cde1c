"""Tune while writing how sure a draft must be to draft on (Draft & Verify, arXiv 2309.08168)."""

from dataclasses import dataclass, replace
from typing import Self

from torch import Tensor

from probexit.exits.depth.decoding.forward_passes import Passes
from probexit.exits.depth.decoding.text import TextInProgress
from probexit.exits.depth.modes.self_speculation import Drafter, SpeculativeWriter

AIM = 0.9  # share of drafts that should be accepted
STEP = 0.01


@dataclass(frozen=True)
class DraftStop:
    """The least probability of a draft after which another is drafted, and how it moves.

    After each round (released code, @688db8b): ``m <- m / 2 + (accepted / drafted) / 2``; the
    target is the threshold a step up where ``m`` is below .9, itself where all drafts were made,
    else a step down; ``threshold <- .9 threshold + .1 target``.

    Attributes:
        threshold: The least probability.
        accepted: The running share ``m``.
    """

    threshold: float
    accepted: float = 0.0

    def after(self, accepted: int, drafted: int, most: int) -> Self:
        """Return the stop after a round.

        Args:
            accepted: Drafts that were accepted.
            drafted: Drafts that were made, at least 1.
            most: Largest number of drafts.
        """
        share = 0.5 * self.accepted + 0.5 * accepted / drafted
        target = self.threshold
        if share < AIM:
            target += STEP
        elif drafted < most:
            target -= STEP
        moved = 0.9 * self.threshold + 0.1 * target
        return replace(self, threshold=moved, accepted=share)


class TunedWriter(SpeculativeWriter):
    """Drafts as ``SpeculativeWriter`` does, with a stop that follows what was accepted.

    Args:
        drafter: Guesses.
        max_drafts: Drafts per verification.
        sure: Where the stop begins.
    """

    def __init__(self, drafter: Drafter, max_drafts: int, sure: float) -> None:
        super().__init__(drafter, max_drafts, sure)
        self.stop = DraftStop(sure)

    def next(self, passes: Passes, text: TextInProgress) -> Tensor:
        self.sure = self.stop.threshold
        written = super().next(passes, text)
        drafted = len(self.trace.rounds[-1].drafts)
        if drafted:
            self.stop = self.stop.after(self.trace.rounds[-1].accepted, drafted, self.max_drafts)
        return written

"""Self-speculation: part of the model drafts tokens, all of it verifies them, losslessly.

Greedy text is that of the full model, token for token, up to floating-point ties; sampled text has
its distribution (Leviathan et al., arXiv 2211.17192, Theorem 1).
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any, Self

import torch
from torch import Tensor

from probexit.exits.depth.decoding.forward_passes import Passes
from probexit.exits.depth.decoding.loop import Writer, decode_one
from probexit.exits.depth.decoding.text import TextInProgress
from probexit.exits.depth.heads.readout import Readout
from probexit.exits.depth.interception.attachment import RunningMode
from probexit.exits.depth.modes.base import Mode
from probexit.exits.depth.rule import ExitRule, LayerDecision
from probexit.exits.depth.trace import Round


class Drafter(ABC):
    """Runs part of the model on the newest token.

    What a drafter does never changes the text that comes out, only how fast; it may look at hidden
    states and past tokens, but a token once drafted is verified, never thrown away for its own
    looks: that would shift the distribution of sampled text.
    """

    @abstractmethod
    def draft(self, passes: Passes, tokens: Tensor, step: int) -> Tensor:
        """Return logits for the token after ``tokens``; ``passes.deep`` says if all layers ran.

        Args:
            passes: The model and its cache.
            tokens: ``[1, q]`` all that is not settled: the newest token of the text and drafts.
            step: Tokens decoded since the prompt.

        Returns:
            ``[q, V]`` if all layers ran, which verifies the drafts; else only the last row counts.
        """


@dataclass(frozen=True)
class Drafting(Mode):
    """One prompt at a time; lossless.

    Attributes:
        max_drafts: Drafts per verification.
        sure: Drafting goes on only after a draft of at least this probability.
    """

    max_drafts: int = 6
    sure: float = 0.0

    @abstractmethod
    def drafter(self, model: Any, rule: ExitRule) -> Drafter:
        """Return what drafts.

        Raises:
            ValueError: if the model has no such layers.
        """

    @property
    def lossless(self) -> bool:
        return True

    @property
    def steady(self) -> bool:
        return False

    def with_drafts(self, drafts: int) -> Self:
        return replace(self, max_drafts=drafts)

    def start(self, model: Any, rule: ExitRule) -> RunningMode:
        drafter = self.drafter(model, rule)
        return decode_one(model, rule, SpeculativeWriter(drafter, self.max_drafts, self.sure))


@dataclass(frozen=True)
class SelfSpeculation(Drafting):
    """Drafts leave where the rule says, and share the cache."""

    def drafter(self, model: Any, rule: ExitRule) -> Drafter:
        return EarlyExit(rule, rule.readout(model))


class EarlyExit(Drafter):
    """The token is drafted where the rule lets it leave; if nowhere, all drafts are verified.

    Drafting and verifying share one cache and every state: no layer runs twice on a token. With a
    rule that always leaves at one layer this is LayerSkip (arXiv 2404.16710), with a confidence in
    the decider AdaDecode (2506.03700) and DSSD (2407.21082).
    """

    def __init__(self, rule: ExitRule, readout: Readout) -> None:
        self.rule, self.readout = rule, readout

    def draft(self, passes: Passes, tokens: Tensor, step: int) -> Tensor:
        return passes.run(tokens, LayerDecision(self.rule, self.readout, step))


class SpeculativeWriter(Writer):
    """Drafts up to ``max_drafts`` tokens, then verifies them in one pass.

    Args:
        drafter: Guesses.
        max_drafts: Drafts per verification.
        sure: Drafting goes on only after a draft of at least this probability; the unsure draft
            itself is kept and verified (Draft & Verify, Kangaroo arXiv 2404.18911).
    """

    def __init__(self, drafter: Drafter, max_drafts: int, sure: float) -> None:
        super().__init__()
        self.drafter, self.max_drafts, self.sure = drafter, max_drafts, sure

    def next(self, passes: Passes, text: TextInProgress) -> Tensor:
        begin = text.unread(passes.cache.columns)
        drafts = begin.new_empty(0)
        guesses: list[Tensor] = []
        depths: list[int] = []
        verified: Tensor | None = None
        going = True
        while going and len(drafts) < self.max_drafts:
            tokens = torch.cat([begin, drafts[None]], 1)
            read = self.drafter.draft(passes, tokens, text.written + len(drafts))
            if passes.deep:
                verified = read
                break
            guesses.append(text.probabilities(read[-1], drafts))
            drafts = torch.cat([drafts, text.draw(guesses[-1])])
            depths.append(passes.ragged.ran)
            going = self.goes_on(text, read[-1], drafts)
        if verified is None:
            verified = passes.run(torch.cat([begin, drafts[None]], 1))
        written = _verified(text, verified[begin.shape[1] - 1 :], drafts, guesses)
        passes.settle(begin.shape[1] + len(written) - 1)
        self.trace.rounds.append(Round(tuple(depths), passes.ragged.ran, len(written) - 1))
        return written

    def goes_on(self, text: TextInProgress, logits: Tensor, drafts: Tensor) -> bool:
        """Say whether another token is drafted.

        Args:
            text: What is being written.
            logits: ``[V]`` of which the newest draft was drawn.
            drafts: ``[k]`` the drafts so far, at least one.
        """
        return self.sure <= 0 or float(logits.float().softmax(-1).max()) >= self.sure


def _verified(
    text: TextInProgress, logits: Tensor, drafts: Tensor, guesses: list[Tensor]
) -> Tensor:
    """Return the accepted drafts and one token more; ``logits [k + 1, V]`` are the full model's."""
    for i, (draft, guess) in enumerate(zip(drafts, guesses, strict=True)):
        target = text.probabilities(logits[i], drafts[:i])
        chance = target[draft] / guess[draft]
        if not bool(torch.rand((), device=target.device) < chance):
            return torch.cat([drafts[:i], text.draw((target - guess).clamp(min=0))])
    last = text.probabilities(logits[len(drafts)], drafts)
    return torch.cat([drafts, text.draw(last)])

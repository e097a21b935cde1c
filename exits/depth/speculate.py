"""Self-speculation: drafts by part of the model, verified by all of it, losslessly.

Greedy text is that of the full model, token for token, up to floating-point ties; sampled text has
its distribution (Leviathan et al., arXiv 2211.17192, Theorem 1).
"""

import torch
from torch import Tensor

from probexit.exits.depth.drafts.base import Drafter
from probexit.exits.depth.passes import Passes
from probexit.exits.depth.single import Writer
from probexit.exits.depth.text import Text
from probexit.exits.depth.trace import DepthTrace, Round


class SpeculativeWriter(Writer):
    """Drafts up to ``max_drafts`` tokens, then verifies them in one pass.

    Args:
        drafter: Guesses.
        max_drafts: Drafts per verification.
        sure: Drafting goes on only after a draft of at least this probability; the unsure draft
            itself is kept and verified (Draft & Verify, Kangaroo arXiv 2404.18911).
    """

    def __init__(self, drafter: Drafter, max_drafts: int, sure: float) -> None:
        self.drafter, self.max_drafts, self.sure = drafter, max_drafts, sure
        self.trace = DepthTrace()

    def next(self, passes: Passes, text: Text) -> Tensor:
        begin = text.unread(passes.cache.columns)
        drafts = begin.new_empty(0)
        guesses: list[Tensor] = []
        depths: list[int] = []
        verified: Tensor | None = None
        sure = True
        while sure and len(drafts) < self.max_drafts:
            tokens = torch.cat([begin, drafts[None]], 1)
            read = self.drafter.draft(passes, tokens, text.written + len(drafts))
            if passes.deep:
                verified = read
                break
            guesses.append(text.probabilities(read[-1], drafts))
            drafts = torch.cat([drafts, text.draw(guesses[-1])])
            depths.append(passes.ragged.ran)
            if self.sure > 0:
                sure = float(read[-1].float().softmax(-1).max()) >= self.sure
        if verified is None:
            verified = passes.run(torch.cat([begin, drafts[None]], 1))
        written = _verified(text, verified[begin.shape[1] - 1 :], drafts, guesses)
        passes.settle(begin.shape[1] + len(written) - 1)
        self.trace.rounds.append(Round(tuple(depths), passes.ragged.ran, len(written) - 1))
        return written


def _verified(text: Text, logits: Tensor, drafts: Tensor, guesses: list[Tensor]) -> Tensor:
    """Return the accepted drafts and one token more; ``logits [k + 1, V]`` are the full model's."""
    for i, (draft, guess) in enumerate(zip(drafts, guesses, strict=True)):
        target = text.probabilities(logits[i], drafts[:i])
        chance = target[draft] / guess[draft]
        if not bool(torch.rand((), device=target.device) < chance):
            return torch.cat([drafts[:i], text.draw((target - guess).clamp(min=0))])
    last = text.probabilities(logits[len(drafts)], drafts)
    return torch.cat([drafts, text.draw(last)])

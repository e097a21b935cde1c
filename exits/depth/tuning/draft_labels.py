"""Drafted tokens, and how likely each is to be accepted: what SpecDec++'s head learns from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from probexit.exits.depth.heads.readout import Readout

OWN = 0.15


@torch.inference_mode()
def draft_labels(
    model: Any,
    readout: Readout,
    layer: int,
    texts: Sequence[Sequence[int]],
    starts: Sequence[int],
    seed: int = 0,
) -> tuple[Tensor, Tensor]:
    """Draft every token of some texts at an exit (SpecDec++, arXiv 2405.19715, section 3.2).

    At each place of a text ``X`` a token ``Y`` is drawn from the exit's distribution ``q``, behind
    what the text says before. Verification would accept it with ``a = min(1, p(Y) / q(Y))``. The
    exit's states are read on a mixture: a token of ``X`` with chance .15, else of ``Y``; the
    examples are the places where the mixture has ``Y``.

    Args:
        model: The full model, eval mode.
        readout: Reads drafts off the exit.
        layer: The exit.
        texts: What the full model wrote, token ids, prompts included.
        starts: Length of each prompt, at least 1.
        seed: Seed of what is drawn.

    Returns:
        States ``[n, d]`` and ``a [n]``.
    """
    drafting = _Drafting(model, readout, layer, torch.Generator().manual_seed(seed))
    parts = [drafting.labels(text, start) for text, start in zip(texts, starts, strict=True)]
    states, accepted = (torch.cat(column) for column in zip(*parts, strict=True))
    return states, accepted


@dataclass(frozen=True)
class _Drafting:
    model: Any
    readout: Readout
    layer: int
    drawn: torch.Generator

    def labels(self, text: Sequence[int], start: int) -> tuple[Tensor, Tensor]:
        ids = torch.tensor(list(text), device=self.model.device)
        hidden, logits = self._read(ids)
        own = ids[start:]
        p = logits[start - 1 : -1].float().softmax(-1)
        q = self.readout.logits(hidden[start - 1 : -1], self.layer).softmax(-1)
        drafts = torch.multinomial(q.cpu(), 1, generator=self.drawn).to(ids.device)
        accepted = (p.gather(1, drafts) / q.gather(1, drafts)).clamp(max=1)[:, 0]
        kept = (torch.rand(len(own), generator=self.drawn) < OWN).to(ids.device)
        mixed = torch.where(kept, own, drafts[:, 0])
        states, _ = self._read(torch.cat([ids[:start], mixed]))
        chosen = mixed == drafts[:, 0]
        return states[start:][chosen], accepted[chosen]

    def _read(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Return the states ``[t, d]`` after the layer, and the full model's logits ``[t, V]``."""
        read = self.model(input_ids=ids[None], use_cache=False, output_hidden_states=True)
        return read.hidden_states[self.layer + 1][0], read.logits[0]

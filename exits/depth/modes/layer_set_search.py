"""Find which whole layers a draft can leave out, one after the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from probexit.exits.depth.interception.gates import Gates, Handler
from probexit.exits.depth.interception.layer_call import LayerCall
from probexit.hooks.layers import n_layers


@dataclass(frozen=True)
class Found:
    """A set of layers and what to expect of it.

    Attributes:
        skipped: Layers to leave out.
        match: Share of tokens whose draft is the full model's.
        speedup: Expected, counted in layers.
    """

    skipped: tuple[int, ...]
    match: float
    speedup: float


class _Without(Handler):
    """Leaves out a set of layers of a pass without a cache."""

    def __init__(self) -> None:
        self.skipped: frozenset[int] = frozenset()

    def layer(self, call: LayerCall) -> Tensor:
        return call.hidden if call.index in self.skipped else call.run()


def expected_speedup(match: float, drafts: int, cost: float) -> float:
    """Return how many times faster self-speculation is than plain decoding.

    Args:
        match: Probability that a draft is accepted.
        drafts: Per verification.
        cost: Cost of a draft, as a share of a full pass; a verification costs one full pass.
    """
    tokens = float(sum(match**k for k in range(drafts + 1)))
    return tokens / (drafts * cost + 1.0)


def search(model: Any, texts: Sequence[Sequence[int]], drafts: int) -> Found:
    """Grow the set layer by layer while the expected speed-up rises.

    Draft & Verify (arXiv 2309.08168, section 3.3) searches attention and MLP sublayers by Bayesian
    optimisation, which ``tuning/sublayer_search.py`` does; this search is where that one begins.

    Args:
        model: Causal language model, eval mode.
        texts: Token ids, unpadded; best written by the model itself.
        drafts: Per verification.
    """
    depth = n_layers(model)
    without = _Without()
    best = Found((), 1.0, 1.0)
    with Gates(model, without), torch.inference_mode():
        full = likeliest_tokens(model, texts)
        while len(best.skipped) < depth - 1:
            grown = [
                _judged(model, texts, without, full, (*best.skipped, layer), drafts)
                for layer in range(depth)
                if layer not in best.skipped
            ]
            found = max(grown, key=lambda it: it.speedup)
            if found.speedup <= best.speedup:
                break
            best = found
    return Found(tuple(sorted(best.skipped)), best.match, best.speedup)


def _judged(
    model: Any,
    texts: Sequence[Sequence[int]],
    without: _Without,
    full: Tensor,
    skipped: tuple[int, ...],
    drafts: int,
) -> Found:
    without.skipped = frozenset(skipped)
    match = float((likeliest_tokens(model, texts) == full).float().mean())
    depth = n_layers(model)
    speedup = expected_speedup(match, drafts, (depth - len(skipped)) / depth)
    return Found(skipped, match, speedup)


def likeliest_tokens(model: Any, texts: Sequence[Sequence[int]]) -> Tensor:
    """Return the likeliest next token everywhere, ``[n]``."""
    found = []
    for text in texts:
        ids = torch.tensor([list(text)], device=model.device)
        found.append(model(input_ids=ids, use_cache=False).logits[0].argmax(-1))
    return torch.cat(found)

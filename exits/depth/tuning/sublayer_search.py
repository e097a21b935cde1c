"""Find which sublayers a draft can leave out (Draft & Verify, arXiv 2309.08168, section 3.3)."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import torch

from probexit.exits.depth.interception.sublayers import NOTHING, Skips, Sublayers
from probexit.exits.depth.modes.layer_set_search import likeliest_tokens
from probexit.exits.depth.tuning.bayesian import BayesianSearch, Choices
from probexit.exits.depth.tuning.plan import speculative_speed


@dataclass(frozen=True)
class SublayerCosts:
    """What a pass over one token costs, in any unit.

    Attributes:
        attention: Attention of one layer.
        mlp: MLP of one layer.
        rest: All else.
    """

    attention: float = 1.0
    mlp: float = 1.0
    rest: float = 0.0

    def of(self, skips: Skips, depth: int) -> float:
        """Return the cost of a pass through ``depth`` layers that leaves some sublayers out."""
        attention = (depth - len(skips.attention)) * self.attention
        return attention + (depth - len(skips.mlp)) * self.mlp + self.rest


@dataclass(frozen=True)
class FoundSublayers:
    """A set of sublayers and what to expect of it.

    Attributes:
        skips: What to leave out.
        match: Share of tokens whose draft is the full model's.
        speedup: Expected, by the cost model.
    """

    skips: Skips
    match: float
    speedup: float


@torch.inference_mode()
def search_sublayers(
    model: Any,
    texts: Sequence[Sequence[int]],
    costs: SublayerCosts,
    first: Sequence[Skips] = (),
    how: BayesianSearch | None = None,
) -> FoundSublayers:
    """Search by Bayesian optimisation for the fastest draft.

    The paper's value is the tokens per second of a short run; here it is foretold, from the cost of
    sublayers and the match rate on given texts, at the best number of drafts: the same twice, and a
    single pass per text. The paper tries 1,000 sets, by default ``how`` tries 80.

    Args:
        model: Causal language model, eval mode.
        texts: Token ids, unpadded; best written by the model itself.
        costs: What sublayers cost.
        first: Sets to try first, beside those that leave out one sublayer each, or nothing.
        how: Settings of the search.

    Raises:
        ValueError: if sublayers cannot be left out of this model.
    """
    sublayers = Sublayers(model)
    depth = len(sublayers)
    full = likeliest_tokens(model, texts)

    def judged(skips: Skips) -> FoundSublayers:
        with sublayers.without(skips):
            match = float((likeliest_tokens(model, texts) == full).float().mean())
        draft, whole = costs.of(skips, depth), costs.of(NOTHING, depth)
        speed = max(speculative_speed(match, drafts, draft, whole) for drafts in range(1, 9))
        return FoundSublayers(skips, match, speed)

    begin = [np.zeros(2 * depth, bool), *np.eye(2 * depth, dtype=bool)]
    begin += [_choices(skips, depth) for skips in first]
    chosen, _ = (how or BayesianSearch()).best(lambda c: judged(_skips(c)).speedup, begin)
    return judged(_skips(chosen))


def measured_costs(model: Any, repeats: int = 30) -> SublayerCosts:
    """Time passes over one token with all sublayers, without attention, and without MLPs.

    Raises:
        ValueError: if sublayers cannot be left out of this model.
    """
    sublayers = Sublayers(model)
    every = tuple(range(len(sublayers)))
    ways = (NOTHING, Skips(attention=every), Skips(mlp=every))
    seconds: dict[Skips, list[float]] = {way: [] for way in ways}
    token = torch.zeros(1, 1, dtype=torch.long, device=model.device)
    for _ in range(repeats):  # in turn: all meet the same load
        for way in ways:
            with sublayers.without(way), torch.inference_mode():
                begin = time.perf_counter()
                model(input_ids=token, use_cache=False)
                seconds[way].append(time.perf_counter() - begin)
    whole, *others = (median(times) for times in seconds.values())
    attention, mlp = (max(1e-9, whole - other) / len(every) for other in others)
    return SublayerCosts(attention, mlp, max(0.0, whole - len(every) * (attention + mlp)))


def _choices(skips: Skips, depth: int) -> Choices:
    layers = np.arange(depth)
    return np.concatenate([np.isin(layers, skips.attention), np.isin(layers, skips.mlp)])


def _skips(choices: Choices) -> Skips:
    attention, mlp = np.split(choices, 2)
    return Skips(tuple(np.flatnonzero(attention).tolist()), tuple(np.flatnonzero(mlp).tolist()))

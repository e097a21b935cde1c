"""How far a rule's depth is from the oracle's (Duo-LLM, arXiv 2410.10846): its regret in layers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor

from probexit.exits.depth.controller import DepthController
from probexit.exits.depth.deciders.examples import record


@dataclass(frozen=True)
class OracleDepth:
    """Mean layers per token of an oracle that knows the full model's token.

    The oracle may leave where the rule may, with the rule's own head. What it knows is chosen per
    token on the very tokens it is judged on, so it is a bound, not something to reach.

    Attributes:
        first: Leaves at the first layer whose token is the full model's.
        stable: Leaves at the first layer from which on all are.
    """

    first: float
    stable: float

    @classmethod
    def of(cls, agreement: Tensor, layers: Sequence[int], depth: int) -> Self:
        """Count what an oracle runs.

        Args:
            agreement: ``[n, e]`` bool, whether the token at each of ``layers`` is the full model's.
            layers: ``e`` exit layers, ascending, from 0.
            depth: Layers of the model; a token without agreement runs all of them.
        """
        run = torch.tensor([*(layer + 1 for layer in layers), depth]).double()
        always = torch.ones(len(agreement), 1, dtype=torch.bool)
        known = torch.cat([agreement.cpu(), always], 1)
        later = known.flip(1).long().cumprod(1).flip(1).bool()
        first, stable = (run[each.int().argmax(1)].mean() for each in (known, later))
        return cls(float(first), float(stable))


def oracle_depth(
    model: Any,
    controller: DepthController,
    texts: Sequence[Sequence[int]],
    starts: Sequence[int],
) -> OracleDepth:
    """Return the oracle's depth at a controller's exits on what the full model wrote.

    Args:
        model: The full model, eval mode.
        controller: Whose head reads its exit layers.
        texts: Token ids of each text, its prompt with it.
        starts: Length of each prompt.
    """
    rule = controller.rule
    found = record(model, rule.readout(model), texts, rule.layers, starts)
    return OracleDepth.of(found.agreement(), found.layers, found.readout.depth)

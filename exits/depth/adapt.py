"""Adapt while serving: audits tell how often a rule is right, and its settings follow.

Apparate (arXiv 2312.05385): a fast loop moves thresholds on a window of feedback, a slow one
chooses the exits themselves under a budget for their cost. Neither is a guarantee.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor

from probexit.exits.depth.examples import Examples
from probexit.exits.depth.rule import ExitRule
from probexit.exits.depth.trace import Audit


@dataclass(frozen=True)
class Feedback:
    """A window of audits as arrays.

    Attributes:
        layers: Exit layers, ``e`` of them.
        scores: ``[n, e]``.
        agreement: ``[n, e]`` bool.
        depth: ``L``.
    """

    layers: tuple[int, ...]
    scores: Tensor
    agreement: Tensor
    depth: int

    @classmethod
    def of(cls, audits: Sequence[Audit], depth: int) -> "Feedback":
        """Take the audits of one rule.

        Raises:
            ValueError: if there are none, or of several rules.
        """
        layers = {audit.layers for audit in audits}
        if len(layers) != 1:
            raise ValueError(
                f"{len(audits)} audits of {len(layers)} sets of exits; give those of one"
            )
        scores = torch.tensor([audit.scores for audit in audits])
        agreement = torch.tensor([audit.agreement for audit in audits])
        return cls(layers.pop(), scores, agreement, depth)

    @classmethod
    def recorded(cls, rule: ExitRule, examples: Examples) -> "Feedback":
        """Take recorded tokens: what audits of every one of them would have said."""
        looks = list(examples.looks())
        scores = torch.stack([rule.decider.score(look).float() for look in looks], 1)
        return cls(examples.layers, scores, examples.agreement(), examples.readout.depth)

    def at(self, threshold: float, layers: Sequence[int] | None = None) -> tuple[float, float]:
        """Return (agreement, mean layers run) had the rule used ``threshold`` and these exits."""
        kept = [self.layers.index(layer) for layer in layers or self.layers]
        leaves = self.scores[:, kept] >= threshold
        first = leaves.int().argmax(1)
        left = leaves.any(1)
        right = self.agreement[:, kept].gather(1, first[:, None])[:, 0] | ~left
        depths = torch.tensor([self.layers[k] + 1 for k in kept])[first]
        depths = torch.where(left, depths, self.depth)
        return float(right.float().mean()), float(depths.float().mean())


def adapted_threshold(feedback: Feedback, grid: Sequence[float], agreement: float) -> float:
    """Return the threshold of ``grid`` with the fewest layers whose agreement is high enough.

    Infinity (never leave) if none is.
    """
    good = [
        (depth, threshold)
        for threshold in grid
        for right, depth in [feedback.at(threshold)]
        if right >= agreement
    ]
    return min(good)[1] if good else float("inf")


def adapted_exits(
    feedback: Feedback, grid: Sequence[float], agreement: float, look_cost: float
) -> tuple[tuple[int, ...], float]:
    """Choose exits and threshold that spare most layers, looks being paid for.

    Args:
        feedback: At all candidate exits.
        grid: Thresholds to try.
        agreement: Share of tokens that must be the full model's.
        look_cost: Of one look at one exit, in layers.

    Returns:
        The exits and their threshold; no exits and infinity if nothing pays.
    """
    best: tuple[float, tuple[int, ...], float] = (float(feedback.depth), (), float("inf"))
    for size in range(1, len(feedback.layers) + 1):
        for layers in combinations(feedback.layers, size):
            for threshold in grid:
                right, depth = feedback.at(threshold, layers)
                cost = depth + look_cost * size  # every look is charged, taken or not
                if right >= agreement and cost < best[0]:
                    best = (cost, layers, threshold)
    return best[1], best[2]


def threshold_path(feedback: Feedback, rates: Sequence[float]) -> list[float]:
    """Return thresholds, falling, whose share of tokens unlike the full model's is at most a rate.

    A path to calibrate along, frozen on recorded tokens; rates that no threshold keeps fall away.

    Args:
        feedback: Of recorded tokens, not those of the calibration problems.
        rates: Rising, such as .001, .01, .1.

    Raises:
        ValueError: if no threshold keeps any of the rates.
    """
    scores = sorted(set(feedback.scores.flatten().tolist()))
    grid = scores[:: max(1, len(scores) // 200)]
    found = [adapted_threshold(feedback, grid, 1 - rate) for rate in rates]
    path = sorted({threshold for threshold in found if threshold < float("inf")}, reverse=True)
    if not path:
        raise ValueError(f"no threshold keeps the rates {list(rates)}: leave out the lowest exits")
    return path


def draft_threshold(feedback: Feedback, drafts: int, overhead: float = 0.0) -> float:
    """Return the threshold at which self-speculation should be fastest; infinity if none helps.

    A token leaves with chance ``p`` and is then right with chance ``a``, after a share ``d`` of the
    layers. Drafting ends with the first token that stays, or after ``drafts``: on average
    ``1 + sum (p a)^k`` tokens for ``1 + (d + overhead) sum p^k`` full passes, ``k`` from 1 to
    ``drafts``.

    Args:
        feedback: On tokens that neither head nor decider was trained on.
        drafts: Per verification.
        overhead: What a draft costs besides its layers (head, mask, calls), in full passes.
    """
    scores = sorted(set(feedback.scores.flatten().tolist()))
    best = (1.0, float("inf"))
    for threshold in scores[:: max(1, len(scores) // 200)]:
        agreement, depth = feedback.at(threshold)
        leaves = float((feedback.scores >= threshold).any(1).float().mean())
        right = agreement - (1 - leaves)  # tokens that left and are right
        cost = (depth / feedback.depth - (1 - leaves)) / leaves
        tokens = 1 + sum(right**k for k in range(1, drafts + 1))
        passes = 1 + (cost + overhead) * sum(leaves**k for k in range(1, drafts + 1))
        best = max(best, (tokens / passes, threshold))
    return best[1]

"""Adapt while serving: audits tell how often a rule is right, and its settings follow.

Apparate (arXiv 2312.05385): a fast loop moves thresholds on a window of feedback, a slow one
chooses the exits themselves under a budget for their cost (`plan.plan_exits`, on the same
feedback). Neither is a guarantee.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from probexit.exits.depth.deciders.examples import Examples
from probexit.exits.depth.rule import ExitRule
from probexit.exits.depth.trace import ExitAudit


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
    def of(cls, audits: Sequence[ExitAudit], depth: int) -> "Feedback":
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

    def only(self, layers: Sequence[int]) -> "Feedback":
        """Return what concerns some of the exits."""
        kept = [self.layers.index(layer) for layer in layers]
        return Feedback(tuple(layers), self.scores[:, kept], self.agreement[:, kept], self.depth)

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


STRICTER = (0.6, 0.75, 0.85, 0.93)  # of the tokens that leave at the first rate


def threshold_path(feedback: Feedback, rates: Sequence[float]) -> list[float]:
    """Return thresholds, falling, along which to calibrate; frozen on recorded tokens.

    For each rate the laxest threshold whose share of tokens unlike the full model's is at most
    that; rates that none keeps fall away. Before them, stricter ones, which let go only the surest
    of the tokens that leave at the first: a rate of 0 on recorded tokens is not 0 on new ones.

    Args:
        feedback: Feedback on recorded tokens, not those of the calibration problems.
        rates: Rising, such as .001, .01, .1.

    Raises:
        ValueError: if no threshold keeps any of the rates.
    """
    scores = feedback.scores.flatten().sort().values
    grid = sorted(set(scores[:: max(1, len(scores) // 400)].tolist()))
    found = [adapted_threshold(feedback, grid, 1 - rate) for rate in rates]
    laxest = min((t for t in found if t < float("inf")), default=None)
    if laxest is None:
        raise ValueError(f"no threshold keeps the rates {list(rates)}: leave out the lowest exits")
    strictest = max(t for t in found if t < float("inf"))
    above = feedback.scores.amax(1)
    above = above[above >= strictest].sort(descending=True).values
    spare = [float(above[int(share * len(above))]) for share in STRICTER]
    return sorted({t for t in (*spare, *found) if laxest <= t < float("inf")}, reverse=True)

"""Which exits, threshold and number of drafts should pay best, by the cost model of a pass.

At batch 1 time goes by passes and layers: a pass through ``E`` layers costs ``E + rest``, a look at
an exit ``look`` more, all in layers. Text and cost are compared on recorded tokens, so a plan is a
forecast and no guarantee.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from probexit.exits.depth.tuning.adapt import Feedback

STEPS = 40  # thresholds tried


@dataclass(frozen=True)
class Costs:
    """What a pass costs besides its layers, in layers.

    Attributes:
        rest: Embedding, mask, final norm, unembedding and the loop around them, per pass.
        look: The decider, per exit passed.
    """

    rest: float = 0.0
    look: float = 0.0


@dataclass(frozen=True)
class DepthPlan:
    """A choice and its forecast.

    Attributes:
        layers: Exits; none if nothing pays.
        threshold: Infinity if nothing pays.
        drafts: Per verification, for self-speculation.
        speed: How many times faster than one full pass per token.
    """

    layers: tuple[int, ...]
    threshold: float
    drafts: int
    speed: float


def speculative_speed(chance: float, drafts: int, draft: float, full: float) -> float:
    """Return how many times faster than plain decoding self-speculation is.

    ``(1 - a^(K+1)) / (1 - a) * full / (K draft + full)``: tokens per round over its cost.

    Args:
        chance: ``a``, that a draft is accepted if those before it were.
        drafts: ``K`` per verification.
        draft: Cost of drafting one token, head included.
        full: Cost of a full pass, head included; a verification costs the same.
    """
    tokens = float(sum(chance**k for k in range(drafts + 1)))
    return tokens * full / (drafts * draft + full)


def plan_drafts(
    feedback: Feedback, costs: Costs, sets: Sequence[tuple[int, ...]], most_drafts: int = 12
) -> DepthPlan:
    """Choose exits, threshold and drafts for self-speculation.

    A token leaves with chance ``p`` and is right with chance ``p a``; drafting ends with the first
    that stays, whose pass is the verification, or after ``K``, as if tokens were independent.

    Args:
        feedback: On tokens that neither head nor decider was trained on.
        costs: Costs of a pass.
        sets: Sets of exits to try.
        most_drafts: Largest ``K`` tried.
    """
    full = feedback.depth + costs.rest
    best = DepthPlan((), math.inf, most_drafts, 1.0)
    for layers, threshold in _choices(feedback, sets):
        leaves, right, depth = _left(feedback, threshold, layers)
        if not leaves:
            continue
        draft = depth + costs.rest + costs.look * len(layers)
        for drafts in range(1, most_drafts + 1):
            tokens = 1 + sum(right**k for k in range(1, drafts + 1))
            cost = full + draft * sum(leaves**k for k in range(1, drafts + 1))
            cost += costs.look * len(layers) * (1 - leaves**drafts)
            best = max(best, DepthPlan(layers, threshold, drafts, tokens * full / cost), key=_speed)
    return best


def plan_exits(
    feedback: Feedback, costs: Costs, sets: Sequence[tuple[int, ...]], agreement: float
) -> DepthPlan:
    """Choose exits and threshold for lossy decoding that keeps an agreement (Apparate's slow loop).

    Args:
        feedback: As for `plan_drafts`.
        costs: Costs of a pass.
        sets: Sets of exits to try.
        agreement: Share of tokens that must be the full model's.
    """
    full = feedback.depth + costs.rest
    best = DepthPlan((), math.inf, 0, 0.0)
    for layers, threshold in _choices(feedback, sets):
        right, depth = feedback.at(threshold, layers)
        if right >= agreement:
            speed = full / (depth + costs.rest + costs.look * len(layers))
            best = max(best, DepthPlan(layers, threshold, 0, speed), key=_speed)
    return best


def sets_of(layers: Sequence[int], most: int) -> list[tuple[int, ...]]:
    """Return all sets of up to ``most`` of the layers."""
    sizes = range(1, min(most, len(layers)) + 1)
    return [chosen for size in sizes for chosen in combinations(layers, size)]


def _choices(
    feedback: Feedback, sets: Sequence[tuple[int, ...]]
) -> Iterator[tuple[tuple[int, ...], float]]:
    for layers in sets:
        scores = feedback.only(layers).scores.flatten().sort().values
        for threshold in sorted(set(scores[:: max(1, len(scores) // STEPS)].tolist())):
            yield layers, threshold


def _left(
    feedback: Feedback, threshold: float, layers: Sequence[int]
) -> tuple[float, float, float]:
    """Return the share that leaves, the share that leaves and is right, and depth of these."""
    leaves = float((feedback.only(layers).scores >= threshold).any(1).float().mean())
    agreement, depth = feedback.at(threshold, layers)
    stay = 1 - leaves
    return leaves, agreement - stay, (depth - stay * feedback.depth) / leaves if leaves else 0.0


def _speed(plan: DepthPlan) -> float:
    return plan.speed

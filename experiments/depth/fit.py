"""Train a rule's head and decider on what the full model writes; the model stays frozen."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from probexit.exits.depth.deciders.base import Decider
from probexit.exits.depth.deciders.examples import Examples, record
from probexit.exits.depth.heads.base import Head
from probexit.exits.depth.heads.trained import TrainedHead
from probexit.exits.depth.rule import ExitRule
from probexit.exits.depth.tuning.adapt import Feedback, threshold_path
from probexit.exits.depth.tuning.distil import Distillation, distil
from probexit.exits.depth.tuning.plan import DepthPlan, plan_drafts, plan_exits, sets_of
from probexit.experiments.depth.bench import DepthBench
from probexit.experiments.depth.cost import PassCost, seconds_per_look

RATES = (0.0, 0.001, 0.002, 0.004, 0.008, 0.016, 0.03, 0.1, 0.3, 1.0)
AGREEMENT = (0.999, 0.99, 0.95)  # of tokens, at which sets of exits are compared
PER_TEXT = 8  # thresholds along which one decision for a text is certified
MOST_EXITS = 3
MOST_DRAFT_EXITS = 2


@dataclass(frozen=True)
class Texts:
    """What the full model wrote on the fitting problems: some for heads, others for deciders.

    Attributes:
        heads: Token ids, prompts included.
        deciders: Likewise, of other problems: heads look better on texts they were trained on.
        starts: Length of each prompt of ``deciders``.
    """

    heads: list[list[int]]
    deciders: list[list[int]]
    starts: list[int]


def write_texts(bench: DepthBench, n: int) -> Texts:
    """Write ``n`` texts, two thirds of them for heads, every other one sampled.

    Sampled texts show tokens that the full model would not have chosen itself, of which SEC learns
    when a text is past hope.

    Raises:
        ValueError: on fewer than 3 problems.
    """
    if n < 3:
        raise ValueError(f"{n} problems are too few to fit on: use 60 or more")
    prompts = bench.prompts(bench.items(0, n))
    texts: list[list[int]] = [[] for _ in prompts]
    texts[::2] = bench.full_texts(prompts[::2])
    texts[1::2] = bench.full_texts(prompts[1::2], temperature=1.0)
    written = [p + t for p, t in zip(prompts, texts, strict=True)]
    cut = 2 * n // 3
    return Texts(written[:cut], written[cut:], [len(p) for p in prompts[cut:]])


def fit_head(
    model: Any, head: Head, layers: Sequence[int], fitting: Texts, training: Distillation
) -> None:
    """Train a head in place, if it is one that is trained."""
    if isinstance(head, TrainedHead):
        distil(model, head, fitting.heads, layers, training)


def examples(model: Any, head: Head, layers: tuple[int, ...], fitting: Texts) -> Examples:
    """Record the deciders' texts as that head reads them."""
    readout = ExitRule(layers, _Unused(), head).readout(model)
    return record(model, readout, fitting.deciders, layers, fitting.starts)


def fit_rule(decider: Decider, head: Head, found: Examples) -> tuple[ExitRule, Examples]:
    """Fit a decider on two thirds of the texts; return the rule and the others, for thresholds."""
    first, others = found.split(2 / 3)
    return ExitRule(found.layers, decider.fit(first), head), others


def lossy(rule: ExitRule, others: Examples, cost: PassCost) -> tuple[ExitRule, list[float]]:
    """Choose exits, and thresholds to calibrate along, on recorded tokens.

    The exits are those that are fastest at the highest agreement at which any pay; all, if none do.
    """
    feedback = Feedback.recorded(rule, others)
    costs = cost.costs(seconds_per_look(rule, others))
    sets = _sets(rule, MOST_EXITS)
    plans = (plan_exits(feedback, costs, sets, agreement) for agreement in AGREEMENT)
    layers = next((plan.layers for plan in plans if plan.speed > 1), rule.layers)
    return replace(rule, layers=layers), threshold_path(feedback.only(layers), RATES)


def per_text(model: Any, rule: ExitRule, fitting: Texts) -> list[float]:
    """Choose thresholds, falling, for a mode that decides once, on the prompt's newest token.

    At each threshold an equal share more of the recorded prompts leaves somewhere. All exits stay:
    a look is paid once for a text.
    """
    prompts = [text[: s + 1] for text, s in zip(fitting.deciders, fitting.starts, strict=True)]
    newest = [s - 1 for s in fitting.starts]
    found = record(model, rule.readout(model), prompts, rule.layers, newest)
    surest = Feedback.recorded(rule, found).scores.amax(1).sort(descending=True).values
    return sorted(set(surest[:: max(1, len(surest) // PER_TEXT)].tolist()), reverse=True)


def drafting(rule: ExitRule, others: Examples, cost: PassCost) -> tuple[ExitRule, DepthPlan]:
    """Choose exits, threshold and drafts where self-speculation should pay best.

    Raises:
        ValueError: if it should not pay at all.
    """
    feedback = Feedback.recorded(rule, others)
    costs = cost.costs(seconds_per_look(rule, others))
    plan = plan_drafts(feedback, costs, _sets(rule, MOST_DRAFT_EXITS))
    if not plan.layers:
        raise ValueError(f"no draft at the exits {rule.layers} is likely enough to pay")
    return replace(rule, layers=plan.layers, threshold=plan.threshold), plan


def _sets(rule: ExitRule, most: int) -> list[tuple[int, ...]]:
    return sets_of(rule.layers, most) if rule.decider.alone else [rule.layers]


class _Unused(Decider):
    """Stands in where a rule is needed for its readout only."""

    def score(self, look: Any) -> Any:
        raise NotImplementedError

"""Train a rule's head and decider on what the full model writes; the model stays frozen."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from probexit.exits.depth.adapt import Feedback, draft_threshold, threshold_path
from probexit.exits.depth.deciders.base import Decider
from probexit.exits.depth.distil import Distillation, distil
from probexit.exits.depth.examples import Examples, record
from probexit.exits.depth.heads.base import Head
from probexit.exits.depth.heads.trained import TrainedHead
from probexit.exits.depth.rule import ExitRule
from probexit.experiments.depth.bench import Bench

RATES = (0.0, 0.0003, 0.001, 0.003, 0.01, 0.02, 0.05)


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


def write_texts(bench: Bench, n: int) -> Texts:
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


OVERHEAD = 0.2  # of a draft pass besides its layers, as measured on the shipped reasoner


def fit_rule(decider: Decider, head: Head, found: Examples) -> tuple[ExitRule, Examples]:
    """Fit a decider on two thirds of the texts; return the rule and the others, for thresholds."""
    first, others = found.split(2 / 3)
    return ExitRule(found.layers, decider.fit(first), head), others


def lossy_thresholds(rule: ExitRule, found: Examples) -> list[float]:
    """Return thresholds to calibrate along, chosen on recorded tokens."""
    return threshold_path(Feedback.recorded(rule, found), RATES)


def drafting(rule: ExitRule, found: Examples, drafts: int = 6) -> ExitRule:
    """Return the rule at the threshold where drafts should pay best."""
    return rule.at(draft_threshold(Feedback.recorded(rule, found), drafts, OVERHEAD))


class _Unused(Decider):
    """Stands in where a rule is needed for its readout only."""

    def score(self, look: Any) -> Any:
        raise NotImplementedError

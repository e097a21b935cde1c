"""Think in words or in mixtures of embeddings, by confidence (ThinkRouter, arXiv 2602.11683)."""

from dataclasses import dataclass
from typing import ClassVar

from probexit.exits.engines.think_router import Routing
from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.live_rule import LiveRule
from probexit.experiments.methods.online.base import Recipe
from probexit.experiments.methods.online.live_evaluator import LiveEvaluator
from probexit.experiments.methods.online.soft_thinking import SoftThinking


@dataclass(frozen=True)
class ThinkRouterPreset(LiveRule):
    """Mix the embeddings of the likeliest tokens where the model is sure, write words where not.

    The model stays frozen and was never trained on mixtures, as in the paper. The paper chooses the
    threshold for each model and task and its values were not found; three are shown, mixtures from
    nearly certain tokens on, from fairly certain ones on, and always (Soft Thinking, arXiv
    2505.15778, without its cold stop). Batch of one. A mixture has no token: what stands in the
    text is the likeliest one, so cues and exits along such a thinking read what the model did not.

    Attributes:
        thresholds: Least largest probability at which to mix.
        width: Tokens of a mixture; that of the released scripts of Soft Thinking.
    """

    title: ClassVar[str] = "ThinkRouter"
    family: ClassVar[MethodFamily] = MethodFamily.INTERVENTION
    reads: ClassVar[str] = "probabilities of every token"
    cost: ClassVar[str] = "a mixture of embeddings a token; batch of one"
    source: ClassVar[str] = "2602.11683"
    summary: ClassVar[str] = "thinks in mixtures of embeddings where sure"
    thresholds: tuple[float, ...] = (0.95, 0.8, 0.0)
    width: int = 10

    def recipes(self, context: Context, bench: LiveEvaluator) -> dict[str, Recipe]:
        return {f"from {t:g}": SoftThinking(Routing(t, self.width)) for t in self.thresholds}

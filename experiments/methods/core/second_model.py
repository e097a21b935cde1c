"""What presets over two models share: where the second one comes from."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from probexit.exits.engines.two_models.base import TwoModelEngine
from probexit.exits.engines.two_models.pair import ModelPair
from probexit.experiments.methods.core.base import MethodFamily, Unavailable
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.live_rule import LiveRule
from probexit.experiments.methods.online.base import Recipe
from probexit.experiments.methods.online.live_evaluator import LiveEvaluator
from probexit.experiments.methods.online.two_models import TwoModels
from probexit.hooks.loading import Loading
from probexit.hooks.models import Reasoner, Source, load

SIBLINGS = {
    "shipped": "shipped-small",
    "shipped-deep": "shipped-small",
    "shipped-small": "shipped-deep",
}
"""For each shipped model the other of a pair whose forward passes differ at least four times."""


@dataclass(frozen=True)
class TwoModelRule(LiveRule):
    """Write the test problems with the recorded model and another of the same tokenizer.

    The smaller of the two, by parameters that a token uses, is the small one.
    """

    family: ClassVar[MethodFamily] = MethodFamily.SWITCH
    cost: ClassVar[str] = "what each model reads of the other's"

    @abstractmethod
    def engines(self, context: Context) -> dict[str, TwoModelEngine]:
        """Return how the two share the work, by the label of the operating point."""

    def recipes(self, context: Context, bench: LiveEvaluator) -> dict[str, Recipe]:
        other = other_model(context, bench)
        return {label: TwoModels(engine, other) for label, engine in self.engines(context).items()}


def other_model(context: Context, bench: LiveEvaluator) -> Reasoner:
    """Return the second model, loaded once.

    Raises:
        Unavailable: if there is none, or it has another tokenizer.
    """
    return context.once(("second model", context.second), lambda: _loaded(context, bench))


def _loaded(context: Context, bench: LiveEvaluator) -> Reasoner:
    """Load the second model.

    Raises:
        Unavailable: if there is none, or it has another tokenizer.
    """
    name = context.second or SIBLINGS.get(bench.reasoner.name, "")
    if not name:
        raise Unavailable("needs a second model with the same tokenizer: name it with --second")
    alike = Loading(str(bench.reasoner.model.dtype).removeprefix("torch."))
    other = load(Source(name, loading=alike))
    try:
        ours = bench.reasoner
        ModelPair.of((ours.model, ours.tokenizer), (other.model, other.tokenizer))
    except ValueError as why:
        raise Unavailable(f"needs another second model: {why}") from why
    return other

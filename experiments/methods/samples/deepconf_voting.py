"""Vote by confidence and stop unsure samples early (DeepConf, arXiv 2508.15260)."""

from dataclasses import dataclass
from statistics import mean
from typing import ClassVar

from probexit.exits.samples.deepconf_vote import DeepConfVote
from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.live_rule import LiveRule
from probexit.experiments.methods.online.base import Recipe
from probexit.experiments.methods.online.live_evaluator import LiveEvaluator
from probexit.experiments.methods.online.samples import Samples


@dataclass(frozen=True)
class DeepConfVoting(LiveRule):
    """Warm-up samples set a bar of confidence; later ones that fall below it are stopped.

    The paper warms up with 16 samples of up to 512 and a window of 2,048 tokens; here it is 4 of 8
    and an eighth of the mean thinking of the fit split. ``low`` keeps the surest tenth, ``high``
    (the released code's default) nine tenths. Samples that are left vote, weighed by their
    confidence. The paper's early end of sampling on consensus is left out: all run side by side.

    Attributes:
        k: Samples of a problem, warm-up with them.
        warm: Warm-up samples.
        share: Window, as a share of the mean thinking.
        keep: Percent that the bar is meant to let pass, by the paper's name.
    """

    title: ClassVar[str] = "DeepConf voting"
    family: ClassVar[MethodFamily] = MethodFamily.SAMPLES
    reads: ClassVar[str] = "probabilities of every token"
    cost: ClassVar[str] = "k samples, unsure ones until they are stopped"
    source: ClassVar[str] = "2508.15260"
    summary: ClassVar[str] = "stops unsure samples; confidence-weighted vote"
    k: int = 8
    warm: int = 4
    share: float = 1 / 8
    keep: tuple[tuple[str, float], ...] = (("high", 90.0), ("low", 10.0))

    def recipes(self, context: Context, bench: LiveEvaluator) -> dict[str, Recipe]:
        full = mean(trace.thinking for trace in context.splits.fit)
        window = max(2, round(self.share * full))
        rules = {
            name: DeepConfVote(k=self.k, warm=self.warm, window=window, keep=percent)
            for name, percent in self.keep
        }
        return {name: Samples(rule) for name, rule in rules.items()}

"""Samples that draft each other, without changing a token (arXiv 2503.05330)."""

from dataclasses import dataclass
from typing import ClassVar

from probexit.exits.engines.consensus import ConsensusDrafts
from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.live_rule import LiveRule
from probexit.experiments.methods.online.base import Recipe
from probexit.experiments.methods.online.consensus import ConsensusSamples
from probexit.experiments.methods.online.live_evaluator import LiveEvaluator


@dataclass(frozen=True)
class ConsensusDraftsPreset(LiveRule):
    """What follows a sample's newest tokens in the other samples is drafted and verified.

    Lossless: the samples, and the majority's answer, are those of plain self-consistency, which is
    shown beside it. Rejected drafts are charged, so in tokens it is never cheaper; it saves forward
    passes. The paper's suffix length and weights could not be read: here three tokens, and each
    continuation weighs the same.

    Attributes:
        k: Samples of a problem.
    """

    title: ClassVar[str] = "consensus drafts"
    family: ClassVar[MethodFamily] = MethodFamily.SAMPLES
    reads: ClassVar[str] = "what the other samples wrote"
    cost: ClassVar[str] = "all samples, and rejected drafts; saves passes, not tokens"
    source: ClassVar[str] = "2503.05330"
    summary: ClassVar[str] = "samples draft each other, losslessly; majority vote"
    k: int = 4

    def recipes(self, context: Context, bench: LiveEvaluator) -> dict[str, Recipe]:
        return {f"{self.k} samples": ConsensusSamples(ConsensusDrafts(), self.k)}

    def controls(self, context: Context, bench: LiveEvaluator) -> dict[str, Recipe]:
        return {"no drafts": ConsensusSamples(ConsensusDrafts(longest=0), self.k)}

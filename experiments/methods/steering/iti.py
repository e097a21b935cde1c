"""Inference-time intervention: shift the heads that tell right from wrong (arXiv 2306.03341)."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.head_states import HeadStates, head_states
from probexit.experiments.methods.core.live_rule import LiveRule
from probexit.experiments.methods.online.base import Recipe
from probexit.experiments.methods.online.intervention import InterventionRun
from probexit.experiments.methods.online.live_evaluator import LiveEvaluator


@dataclass(frozen=True)
class ITI(LiveRule):
    """A probe per head; the best heads are shifted towards right states at every new token.

    As published: heads by the accuracy of a logistic regression on held-out problems, direction
    from the mean of wrong to that of right states, ``alpha`` times its spread, before the output
    projection. It was made for the truth of short answers; here the labels are the forced answers
    at the cues of the thinking, the spread is taken over the same cues, and four heads are shifted
    (the paper: 48 of a model of 1,024).

    Attributes:
        alphas: Strengths, in standard deviations along the direction; the paper's is 15.
        heads: How many heads are shifted.
        tokens: Tokens, up to and with the cue, over which a head is averaged.
    """

    family: ClassVar[MethodFamily] = MethodFamily.STEERING
    reads: ClassVar[str] = "attention heads, and changes them"
    title: ClassVar[str] = "ITI"
    training: ClassVar[str] = "a logistic regression per head"
    source: ClassVar[str] = "2306.03341"
    summary: ClassVar[str] = "shifts the heads that tell right from wrong best"
    alphas: tuple[float, ...] = (1.0, 5.0, 15.0)
    heads: int = 4
    tokens: int = 1

    def probe(self, seed: int) -> Any:
        """Make the probe of one head."""
        return LogisticRegression(max_iter=1000)

    def recipes(self, context: Context, bench: LiveEvaluator) -> dict[str, Recipe]:
        states = context.once(
            ("head states", self.tokens),
            lambda: head_states(bench.reasoner.model, context.splits.fit, self.tokens),
        )
        shifts = states.shifts(self.chosen(states, context.seed))
        return {
            f"alpha {alpha:g}": InterventionRun(
                heads={i: {h: alpha * v for h, v in own.items()} for i, own in shifts.items()}
            )
            for alpha in self.alphas
        }

    def chosen(self, states: HeadStates, seed: int) -> list[tuple[int, int]]:
        """Return layer and head of those that tell right from wrong best."""
        ranks: Tensor = states.accuracies(lambda: self.probe(seed), seed)
        best = torch.argsort(ranks.flatten(), descending=True, stable=True)[: self.heads]
        return [divmod(int(place), ranks.shape[1]) for place in best]

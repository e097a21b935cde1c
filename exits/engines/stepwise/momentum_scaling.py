"""Spend more where a step is less sure than the steps before it (MUR, arXiv 2507.14958)."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import exp

import numpy as np

from probexit.exits.engines.stepwise.base import StepwiseEngine
from probexit.exits.engines.stepwise.manuscript import DraftedStep, Manuscript
from probexit.hooks.cues.base import CueSet
from probexit.hooks.cues.sentence import Sentence


@dataclass(frozen=True)
class Trigger(ABC):
    """Says at which steps to spend more; a pure function of the steps' mean log-probabilities."""

    @abstractmethod
    def fires(self, past: tuple[float, ...], step: float, key: int) -> bool:
        """Tell whether to spend more on a step.

        Args:
            past: Mean log-probabilities of the steps that stand, oldest first.
            step: That of the step in hand.
            key: Of the text, for triggers that draw.
        """


@dataclass(frozen=True)
class MomentumTrigger(Trigger):
    """``exp(s_t) < gamma exp(M_(t-1))``, from the second step on.

    ``M_t = alpha M_(t-1) + (1 - alpha) s_t`` with ``M_(-1) = 0``, as the released code has it
    (@2d3a8f4): no correction of the start, so the first thresholds lie near gamma itself.

    Attributes:
        gamma: .8 in guided search; smaller = fewer steps.
        alpha: Weight of the past.
    """

    gamma: float = 0.8
    alpha: float = 0.9

    def fires(self, past: tuple[float, ...], step: float, key: int) -> bool:
        momentum = 0.0
        for s in past:
            momentum = self.alpha * momentum + (1 - self.alpha) * s
        return bool(past) and exp(step) < self.gamma * exp(momentum)


@dataclass(frozen=True)
class MeanTrigger(Trigger):
    """As ``MomentumTrigger`` with the plain mean of the past in its place: the ablation.

    Attributes:
        gamma: As there.
    """

    gamma: float = 0.8

    def fires(self, past: tuple[float, ...], step: float, key: int) -> bool:
        return bool(past) and exp(step) < self.gamma * exp(sum(past) / len(past))


@dataclass(frozen=True)
class RandomTrigger(Trigger):
    """At a rate, whatever the step: the control. 1 = every step from the second on.

    Attributes:
        rate: Share of the steps.
    """

    rate: float

    def fires(self, past: tuple[float, ...], step: float, key: int) -> bool:
        return bool(past) and bool(np.random.default_rng((key, len(past))).random() < self.rate)


@dataclass(frozen=True)
class MomentumScaling(StepwiseEngine):
    """Writes a step anew, several times over, where the trigger fires, and keeps the best.

    The guided search of the paper: the uncertain step is thrown away and ``candidates`` fresh ones
    are written, of which a judge keeps one. There a reward model of 1.5 billion parameters judges;
    here the model itself does, by the mean log-probability of the step. All that is thrown away is
    charged.

    Attributes:
        trigger: Where to spend more.
        candidates: Fresh steps.
        cues: Where a step ends; the paper's steps begin with "Step n:".
    """

    trigger: Trigger
    candidates: int = 4
    cues: CueSet = Sentence()  # noqa: RUF009  # frozen

    def __post_init__(self) -> None:
        if not 1 <= self.candidates < 256:
            raise ValueError(f"candidates={self.candidates} must lie between 1 and 255")

    @property
    def steps(self) -> CueSet:
        return self.cues

    def fill(self, text: Manuscript) -> None:
        past: tuple[float, ...] = ()
        while not text.done:
            thinks, step = text.thinks, text.draft()
            if thinks and self.trigger.fires(past, step.mean_logprob, text.key):
                text.charged += len(step.ids)
                step = self._best(text)
            text.keep(step)
            past += (step.mean_logprob,) if thinks else ()

    def _best(self, text: Manuscript) -> DraftedStep:
        found = [text.draft(candidate) for candidate in range(1, self.candidates + 1)]
        best = max(found, key=lambda step: step.mean_logprob)
        text.charged += sum(len(step.ids) for step in found if step is not best)
        return best

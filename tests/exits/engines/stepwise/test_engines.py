"""MomentumTrigger triggers and the confidence detector, by hand."""

from dataclasses import dataclass, field
from math import exp, log
from typing import Any

import pytest
import torch

from probexit.exits.engines.stepwise.confidence_injection import (
    ConfidenceInjection,
    confident_mass,
)
from probexit.exits.engines.stepwise.manuscript import DraftedStep
from probexit.exits.engines.stepwise.momentum_scaling import (
    MeanTrigger,
    MomentumScaling,
    MomentumTrigger,
    RandomTrigger,
    Trigger,
)

JUMP = (-0.10, -0.20, -0.05, -0.60, -0.10)  # the steps of the reference's example


@dataclass
class Script:
    """A text whose steps are given; every candidate is better than what it replaces."""

    steps: tuple[float, ...]
    fresh: tuple[float, ...] = (-0.4, -0.15, -0.3, -0.2)
    kept: list[float] = field(default_factory=list)
    charged: int = 0
    key: int = 3
    thinks: bool = True

    @property
    def done(self) -> bool:
        return len(self.kept) == len(self.steps)

    def draft(self, candidate: int = 0) -> DraftedStep:
        s = self.fresh[candidate - 1] if candidate else self.steps[len(self.kept)]
        return DraftedStep((7, 8), (s, s), "", True, False)

    def keep(self, step: DraftedStep) -> None:
        self.kept.append(step.mean_logprob)


def replaced(trigger: Trigger, steps: tuple[float, ...] = JUMP) -> tuple[list[int], Script]:
    text: Any = Script(steps)
    MomentumScaling(trigger).fill(text)
    new = [t for t, (a, b) in enumerate(zip(steps, text.kept, strict=True)) if a != b]
    return new, text


@pytest.mark.parametrize(("gamma", "at"), [(0.8, [3]), (0.9, [1, 3])])
def test_momentum_spends_where_uncertainty_jumps(gamma: float, at: list[int]) -> None:
    spent, text = replaced(MomentumTrigger(gamma))
    assert spent == at
    assert all(text.kept[t] == pytest.approx(-0.15) for t in at)  # the likeliest candidate
    assert text.charged == len(at) * (2 + 3 * 2)  # the step itself and three of four candidates


def test_the_thresholds_are_those_of_the_released_code() -> None:
    past = (-0.10, -0.20, -0.05)
    edge = log(0.775503)  # gamma exp(M) before the fourth step
    assert MomentumTrigger(0.8).fires(past, edge - 1e-4, 0)
    assert not MomentumTrigger(0.8).fires(past, edge + 1e-4, 0)


def test_steps_alike_cost_nothing_and_controls_do_not_look() -> None:
    calm = (-0.1,) * 6
    assert replaced(MomentumTrigger())[0]
    assert replaced(MomentumTrigger(), calm)[0] == []
    assert replaced(RandomTrigger(1.0), calm)[0] == [1, 2, 3, 4, 5]
    assert replaced(RandomTrigger(0.0))[0] == []


def test_the_plain_mean_follows_a_change_more_slowly() -> None:
    past = (-1.0, *(-0.1,) * 3)
    edge = 0.8 * exp(sum(past) / 4)
    assert MeanTrigger(0.8).fires(past, log(edge) - 1e-6, 0)
    assert not MeanTrigger(0.8).fires(past, log(edge) + 1e-6, 0)
    assert MomentumTrigger(0.8).fires(past, log(edge) + 1e-6, 0)


def test_confidence_is_the_mass_on_the_words() -> None:
    logits = torch.tensor([0.32, 0.15, 0.08, 0.45]).log()
    assert confident_mass(logits, [0, 1, 2, 2]) == pytest.approx(0.55)


def test_a_detector_without_words_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one confident word"):
        ConfidenceInjection(("Sure.",), "So, I'm", ())

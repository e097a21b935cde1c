"""The stop is certified on whole texts, beside the same rule's texts without it."""

import math
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, Self

import pytest
import torch
from torch import Tensor

from probexit.calibration.learn_then_test import LearnThenTest
from probexit.exits.depth.controller import DepthController
from probexit.exits.depth.deciders.base import Decider
from probexit.exits.depth.deciders.gap import Gap
from probexit.exits.depth.deciders.layer_view import LayerView
from probexit.exits.depth.heads.plain import PlainHead
from probexit.exits.depth.modes.leave import Leave
from probexit.exits.depth.rule import ExitRule
from probexit.experiments.depth.stop import calibrate_stop, shares

END, LIMIT, N = 2, 6, 24


@dataclass
class EndsLate(Decider):
    """Ends every text after so many tokens, the sooner the laxer its threshold; never leaves."""

    stop: float = math.inf

    @property
    def stop_path(self) -> tuple[float, ...]:
        return (0.9, 0.5, 0.1)

    def with_stop(self, threshold: float) -> Self:
        return replace(self, stop=threshold)

    def score(self, look: LayerView) -> Tensor:
        return torch.zeros(len(look.hidden))

    def stops(self, look: LayerView) -> Tensor:
        return torch.full((len(look.hidden),), look.step / 10 >= self.stop * 0.8)


class Bench:
    """Texts are right while they hold enough tokens."""

    max_new_tokens = LIMIT

    def __init__(self, model: Any, needed: int) -> None:
        model.generation_config.eos_token_id = END
        self.reasoner, self.needed = SimpleNamespace(model=model), needed

    def prompts(self, items: Any) -> list[list[int]]:
        return [[5 + i, 9, 33] for i in items]

    def right(self, item: int, tokens: list[int]) -> bool:
        return len(tokens) >= self.needed


def controller() -> DepthController:
    return DepthController(ExitRule((1,), EndsLate(), PlainHead(), 0.5), Leave())


def stopped(model: Any, needed: int) -> Any:
    bench: Any = Bench(model, needed)
    items: Any = list(range(N))
    return calibrate_stop(bench, controller(), items, LearnThenTest(alpha=0.2, delta=0.1))


@pytest.fixture
def wordy(tiny_model: Any) -> Any:
    """A model that never ends a text itself."""
    model = tiny_model("llama", tie_word_embeddings=False, initializer_range=0.4)
    model.requires_grad_(False)
    model.lm_head.weight[END] = 0
    return model


def test_the_laxest_stop_that_keeps_right_answers_is_certified(wordy: Any) -> None:
    """At .9, .5 and .1 texts end after 6 (their limit), 5 and 2 tokens."""
    at, told = stopped(wordy, needed=5)
    assert told.certificate.threshold == 0.5
    assert at.rule.decider.stop == 0.5
    assert told.ended == N
    assert told.saved == pytest.approx(1 / 6)
    assert at.certificate["stop"]["loss"] == "LostTask"
    assert "threshold" not in at.certificate  # nothing was promised of the exits, nor is now


def test_a_stop_that_loses_answers_stays_off(wordy: Any) -> None:
    at, told = stopped(wordy, needed=LIMIT)
    assert told.certificate.threshold == 0.9  # it ends nothing within the limit
    assert told.ended == 0
    assert at.rule.decider.stop == 0.9


def test_wrong_texts_may_be_ended_at_once(wordy: Any) -> None:
    """The loss is of right answers: where there are none, the laxest stop is free."""
    _, told = stopped(wordy, needed=99)
    assert told.certificate.threshold == 0.1
    assert told.certificate.losses == 0


def test_exits_and_stop_share_problems_and_chance() -> None:
    test = LearnThenTest(alpha=0.2, delta=0.1)
    first, second, each = shares(controller(), 10, test)
    assert not set(range(10)[first]) & set(range(10)[second])
    assert each.delta == 0.05
    alone = DepthController(ExitRule((1,), Gap(), PlainHead(), 0.5), Leave())
    assert shares(alone, 10, test) == (slice(0, 10), slice(10, 10), test)
    with pytest.raises(ValueError, match="ends no text"):
        alone.with_stop(0.5)
    assert alone.with_stop(math.inf).rule == alone.rule

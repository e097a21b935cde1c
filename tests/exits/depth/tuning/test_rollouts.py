from typing import Any

import pytest
import torch

from probexit.exits.depth.controller import DepthController
from probexit.exits.depth.deciders.gap import Gap
from probexit.exits.depth.heads.plain import PlainHead
from probexit.exits.depth.kv.base import KVPolicy
from probexit.exits.depth.kv.evict import Evict
from probexit.exits.depth.kv.propagate import Propagate
from probexit.exits.depth.modes.catch_up import CatchUp
from probexit.exits.depth.modes.leave import Leave
from probexit.exits.depth.rule import ExitRule
from probexit.exits.depth.tuning.losses import AnswerDiffers, LostTask, TextDissimilarity
from probexit.exits.depth.tuning.rollouts import Reference, Writing, roll_out


def test_losses_by_hand() -> None:
    assert TextDissimilarity()(0, [1, 2, 3], [1, 2, 2]) == pytest.approx(1 - 4 / 6)
    assert TextDissimilarity()(0, [], []) == 0.0
    assert TextDissimilarity()(0, [], [1]) == 1.0
    answer = AnswerDiffers(lambda problem, text: text[-1])
    assert [answer(0, [5, 1], [9, 1]), answer(0, [5, 2], [9, 1])] == [0.0, 1.0]
    gold = [1, 2]
    lost = LostTask(lambda problem, text: text[-1] == gold[problem])
    assert [lost(0, [2], [1]), lost(0, [1], [2]), lost(1, [2], [2])] == [1.0, 0.0, 0.0]


def test_the_table_follows_the_rule(deep_model: Any) -> None:
    model = deep_model("llama")
    model.generation_config.eos_token_id = None
    prompts = torch.randint(3, 97, (3, 6)).tolist()
    rule = ExitRule((1, 3), Gap(), PlainHead())
    controller = DepthController(rule, CatchUp())
    full = model.generate(torch.tensor(prompts), max_new_tokens=8, do_sample=False)[:, 6:]
    reference = Reference(prompts, full.tolist())
    *_, made = roll_out(model, controller.with_threshold, reference, [2.0, 0.5, 0.0], Writing(8))
    losses = made.losses(TextDissimilarity())
    assert losses.shape == (3, 3)
    assert losses[:, 0].sum() == 0  # nothing leaves at 2: a gap is at most 1
    assert losses[:, 2].sum() > 0
    assert made.depths[0] == 6
    assert made.depths == sorted(made.depths, reverse=True)
    assert made.early[0] == full.tolist()


def test_thresholds_must_fall(deep_model: Any, always: Any) -> None:
    controller = DepthController(ExitRule((1,), always, PlainHead()), CatchUp())
    with pytest.raises(ValueError, match="must fall"):
        next(
            roll_out(deep_model("llama"), controller.with_threshold, Reference([], []), [0.1, 0.2])
        )


@pytest.mark.parametrize("kv", [Propagate(), Evict()])
def test_batches_change_no_text(deep_model: Any, coin: Any, kv: KVPolicy) -> None:
    model = deep_model("llama")
    prompts = [torch.randint(3, 97, (n,)).tolist() for n in (4, 7, 5)]
    model.generation_config.eos_token_id = list(range(3, 20))  # rows end at different lengths
    rule = ExitRule((1, 3), coin, PlainHead())
    controller = DepthController(rule, Leave(kv))
    reference = Reference(prompts, [[]] * 3)
    (alone,) = roll_out(model, controller.with_threshold, reference, [0.5], Writing(12))
    (together,) = roll_out(model, controller.with_threshold, reference, [0.5], Writing(12, batch=3))
    assert together.early == alone.early
    assert len({len(text) for text in alone.early[0]}) > 1


def test_the_table_grows_threshold_by_threshold(
    deep_model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A test in fixed sequence that stops early has nothing written for laxer thresholds."""
    from probexit.exits.depth.tuning import rollouts

    asked: list[float] = []
    write = rollouts.continuations

    def spy(model: Any, controller: DepthController, *args: Any) -> Any:
        asked.append(controller.rule.threshold)
        return write(model, controller, *args)

    monkeypatch.setattr(rollouts, "continuations", spy)
    controller = DepthController(ExitRule((1, 3), Gap(), PlainHead()), CatchUp())
    reference = Reference([[5, 6, 7]], [[1]])
    tables = roll_out(
        deep_model("llama"), controller.with_threshold, reference, [0.9, 0.5, 0.1], Writing(4)
    )
    assert next(tables).thresholds == (0.9,)
    assert asked == [0.9]
    assert next(tables).thresholds == (0.9, 0.5)
    assert asked == [0.9, 0.5]

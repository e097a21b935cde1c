"""Measuring: who is compared with whom, intervals, and the cost model beside it."""

from dataclasses import dataclass
from typing import Any

import pytest
import torch

from probexit.exits.depth.controller import DepthController
from probexit.exits.depth.deciders.gap import Gap
from probexit.exits.depth.deciders.schedule import Schedule
from probexit.exits.depth.heads.plain import PlainHead
from probexit.exits.depth.modes.catch_up import CatchUp
from probexit.exits.depth.modes.leave import Leave
from probexit.exits.depth.modes.self_speculation import SelfSpeculation
from probexit.exits.depth.rule import ExitRule
from probexit.exits.depth.trace import DepthTrace, Round, Step
from probexit.experiments.depth.cost import PassCost, Section4, measure
from probexit.experiments.depth.lossless import check
from probexit.experiments.depth.race import OWN, PLAIN, Ran, Speed, baseline_of, race, speed
from probexit.experiments.depth.run import judge
from probexit.experiments.recording.tasks.base import Item

ITEMS = [Item(str(i), str(i), "0") for i in range(3)]


@dataclass
class Stub:
    """A bench whose prompts are numbers and whose answers are last tokens."""

    model: Any
    max_new_tokens: int = 12

    @property
    def reasoner(self) -> Any:
        return self

    def prompts(self, items: list[Item]) -> list[list[int]]:
        return [[5 + int(item.question), 9, 33] for item in items]

    def answer(self, tokens: list[int]) -> str:
        return str(tokens[-1])

    def right(self, item: Item, tokens: list[int]) -> bool:
        return self.answer(tokens) == item.gold


@pytest.fixture
def bench(tiny_model: Any) -> Any:
    model = tiny_model("llama", tie_word_embeddings=False, initializer_range=0.4)
    model.generation_config.eos_token_id = None
    return Stub(model)


def rule(threshold: float) -> ExitRule:
    return ExitRule((1,), Gap(), PlainHead(), threshold)


def test_everyone_writes_every_text(bench: Any) -> None:
    lossless = DepthController(rule(0.1), SelfSpeculation(3))
    lossy = DepthController(rule(0.0), CatchUp(4))
    done = race(bench, {"spec": lossless, "exit": lossy}, ITEMS)
    assert list(done) == [PLAIN, OWN, "spec", "exit"]
    assert all(len(ran.seconds) == len(ran.texts) == 3 for ran in done.values())
    assert done["spec"].texts == done[OWN].texts == done[PLAIN].texts
    assert done["exit"].texts != done[OWN].texts
    assert len(done["exit"].trace.row()) == 3 * 11  # the warm-up is not counted
    outcome = judge(bench, ITEMS, done["spec"], (done[OWN], done[PLAIN]))
    assert (outcome.same_text, outcome.same_answer, outcome.tokens) == (1.0, 1.0, 12)
    assert "generate" not in vars(bench.model)


def test_modes_are_compared_in_their_own_loop() -> None:
    assert baseline_of(Leave()) == PLAIN
    assert baseline_of(CatchUp()) == baseline_of(SelfSpeculation()) == OWN


def test_speed_is_the_median_of_pairs() -> None:
    slow, fast = Ran(seconds=[2.0, 3.0, 40.0]), Ran(seconds=[1.0, 2.0, 10.0])
    found = speed(fast, slow)
    assert found.ratio == 2.0
    assert found.low == 1.5
    assert found.high == 4.0
    assert str(Speed(1.5, 1.25, 1.75)) == "1.50 [1.25, 1.75]"


def test_the_cost_model_by_hand() -> None:
    cost = PassCost(layer=1.0, rest=2.0, depth=10)
    assert cost.costs(0.5).look == 0.5
    exits = DepthTrace(steps=[Step((4,)), Step((10,))])
    # Two plain passes take 24; here 4 + 10 layers, 2 rests and 2 looks of 1 at exit 3.
    assert cost.speed(exits, 1.0, (3,)) == pytest.approx(24 / (14 + 4 + 2))
    rounds = DepthTrace(rounds=[Round((4, 4), 10, 1)])
    # Two tokens; three passes of 18 layers; the exit at 5 is not reached by drafts.
    assert cost.speed(rounds, 1.0, (5,)) == pytest.approx(24 / (18 + 6 + 1))


def test_the_closed_formula_reads_the_rounds() -> None:
    trace = DepthTrace(rounds=[Round((2, 2), 8, 2), Round((2, 2), 8, 1)])
    found = Section4.of(trace, PassCost(1.0, 2.0, 8))
    assert found.chance == pytest.approx(3 / 4)  # three accepted, one rejected
    assert (found.drafts, found.draft_depth, found.head) == (2, 2, 2)
    assert found.speed == pytest.approx((1 + 3 / 4 + 9 / 16) * 10 / (2 * 4 + 10))


def test_layers_and_passes_are_timed(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from probexit.experiments.depth import cost

    clock = [0.0]
    monkeypatch.setattr(cost.time, "perf_counter", lambda: clock[0])

    def tick(*_: Any) -> None:
        clock[0] += 0.001

    for layer in bench.model.model.layers:
        layer.mlp.register_forward_hook(tick)  # only where a layer really runs
    bench.model.model.embed_tokens.register_forward_hook(lambda *_: (tick(), tick(), None)[2])
    found = measure(bench, [[5, 9, 33]], tokens=10)
    assert found.layer == pytest.approx(0.001)
    assert found.rest == pytest.approx(0.002)
    assert found.depth == len(bench.model.model.layers)


class Liar(SelfSpeculation):
    """Says it is lossless, and keeps every draft."""

    def start(self, model: Any, rule: ExitRule) -> Any:
        return CatchUp(99).start(model, rule)


def test_what_is_not_lossless_is_found(bench: Any) -> None:
    always = ExitRule((1,), Schedule(0.0, 0.0), PlainHead(), 0.0)
    honest, liar = (DepthController(always, mode) for mode in (SelfSpeculation(3), Liar()))
    found = check(bench, {"honest": honest, "liar": liar}, ITEMS)
    assert found["honest"] == []
    assert {difference.problem for difference in found["liar"]} == {0, 1, 2}
    first = found["liar"][0]
    (prompt,) = bench.prompts(ITEMS[:1])
    plain = bench.model.generate(torch.tensor([prompt]), max_new_tokens=12, do_sample=False)
    logits = bench.model(input_ids=plain[:, : 3 + first.token]).logits[0, -1]
    best, second = logits.topk(2).values.tolist()
    assert first.margin == pytest.approx(best - second, abs=1e-4)

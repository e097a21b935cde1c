"""Apparate's loops: accuracy comes back after a shift, and ramps that cost are dropped."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from probexit.exits.depth.controller import DepthController
from probexit.exits.depth.deciders.own_thresholds import ABOVE, OwnThresholds
from probexit.exits.depth.heads.plain import PlainHead
from probexit.exits.depth.modes.shadow import Shadow
from probexit.exits.depth.rule import ExitRule
from probexit.exits.depth.tuning.adapt import Feedback
from probexit.exits.depth.tuning.plan import Costs
from probexit.exits.depth.tuning.ramp_loop import FRESH, RampLoop, RampSettings

DEPTH = 12
COSTS = Costs(look=0.1)
OFF = RampSettings(accuracy=0.0, check=10**9)  # tuned on the first batch, then left alone


def batch(ramps: tuple[int, ...], seed: int, shifted: bool = False) -> Feedback:
    """200 tokens; a confidence is right as often as it says, after the shift far less often.

    Deeper ramps are surer. What is right is right at all deeper ramps.
    """
    generator = torch.Generator().manual_seed(seed)
    hard = torch.rand(200, 1, generator=generator)
    reach = torch.tensor([(ramp + 1) / DEPTH for ramp in ramps])
    sure = (1 - hard**3 * (1 - reach)).clamp(max=0.9999)
    luck = torch.rand(200, 1, generator=generator)
    wrong = hard > (0.45 if shifted else 0.8)
    return Feedback(ramps, sure, ~(wrong & (luck > reach)), DEPTH)


def accuracies(loop: RampLoop, batches: int, shifted: bool) -> list[float]:
    start = loop.batches
    return [loop.observe(batch(loop.ramps, start + i, shifted)).accuracy for i in range(batches)]


def test_accuracy_comes_back_after_a_shift_and_with_tuning_off_it_does_not() -> None:
    live = RampLoop((3, 7), DEPTH, COSTS, RampSettings(check=10**9))
    off = RampLoop((3, 7), DEPTH, COSTS, OFF)
    for loop in (live, off):
        assert sum(accuracies(loop, 12, False)[-6:]) / 6 >= 0.985
    after, left = accuracies(live, 30, True), accuracies(off, 30, True)
    assert after[0] < 0.95
    assert sum(after[-10:]) / 10 >= 0.99
    assert sum(left[-10:]) / 10 < 0.95
    assert off.retuned == [1]


def test_it_still_saves_afterwards() -> None:
    loop = RampLoop((3, 7), DEPTH, COSTS, RampSettings(check=10**9))
    accuracies(loop, 5, False)
    accuracies(loop, 30, True)
    saved = [loop.observe(batch(loop.ramps, 90 + i, True)).improvement for i in range(10)]
    assert sum(saved) / 10 > 0.05


def test_a_ramp_that_only_costs_is_dropped_and_one_that_pays_stays() -> None:
    """The first ramp is never right: nothing leaves there, and each token pays for its look."""
    loop = RampLoop((1, 7), DEPTH, COSTS, RampSettings(check=6))
    for i in range(6):
        seen = batch(loop.ramps, i)
        seen.agreement[:, 0] = False
        loop.observe(seen)
    assert 1 not in loop.ramps
    assert 7 in loop.ramps
    assert loop.thetas[loop.ramps.index(7)] > 0


@pytest.mark.parametrize(("worth", "stays"), [(0.05, True), (1.0, False)])
def test_ramps_that_only_want_tuning_stay(worth: float, stays: bool) -> None:
    """Nothing left yet, so both ramps cost; tuned anew they save much."""
    loop = RampLoop((3, 7), DEPTH, COSTS, RampSettings(check=2, worth=worth))
    loop.observe(batch(loop.ramps, 0))
    loop.thetas = (0.0, 0.0)
    loop.observe(batch(loop.ramps, 1))
    assert (loop.ramps == (3, 7)) is stays
    assert (max(loop.thetas) > FRESH) is stays


def test_ramps_that_all_pay_try_an_earlier_one_within_the_latency_budget() -> None:
    def ramps(settings: RampSettings) -> tuple[int, ...]:
        loop = RampLoop((7,), DEPTH, COSTS, settings)
        accuracies(loop, 4, False)
        return loop.ramps

    roomy = RampSettings(check=4)
    assert ramps(roomy) == (3, 7)
    assert ramps(replace(roomy, overhead=0.01)) == (3,)  # one look is all: the ramp moves
    assert ramps(replace(roomy, check=5)) == (7,)


def test_audits_of_other_ramps_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(1, 7\), but \(3, 7\) are active"):
        RampLoop((3, 7), DEPTH, COSTS).observe(batch((1, 7), 0))


def test_what_a_live_model_released_is_what_the_loop_counts(
    deep_model: Any, prompt: Tensor
) -> None:
    model, ramps = deep_model("llama"), (1, 3)
    loop = RampLoop(ramps, 6, Costs(look=0.1), RampSettings())
    loop.thetas = (0.9, 0.95)
    decider = OwnThresholds(ramps, loop.thetas)
    rule = ExitRule(ramps, decider, PlainHead(), ABOVE)
    plain = model.generate(prompt, max_new_tokens=20, do_sample=False, eos_token_id=None)
    with DepthController(rule, Shadow()).attach(model) as attached:
        text = model.generate(prompt, max_new_tokens=20, do_sample=False, eos_token_id=None)
    assert torch.equal(text, plain)  # every token runs on to the end
    audits = attached.trace.audits
    feedback = Feedback.of(audits, 6)
    window = replace(feedback, scores=decider.confidences(feedback.scores))
    served = loop.observe(window)
    assert served.accuracy == pytest.approx(sum(a.agrees for a in audits) / len(audits))
    left = [sum(a.layer == ramp for a in audits) for ramp in (*ramps, None)]
    assert served.rates.tolist() == pytest.approx([count / len(audits) for count in left])

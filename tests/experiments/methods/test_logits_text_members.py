"""Each rule on logits or on text, on a few traces whose outcome can be worked out by hand."""

import math
from dataclasses import replace

import pytest
import torch

from probexit.exits.replay import NO_EXIT
from probexit.exits.verifiers.function import FromFunction
from probexit.exits.verifiers.stated_answer import StatedAnswer
from probexit.experiments.fitting.splits import Splits
from probexit.experiments.methods.core.base import Unavailable
from probexit.experiments.methods.logits.closing_certainty import ClosingCertainty
from probexit.experiments.methods.logits.cusum import Cusum
from probexit.experiments.methods.logits.eat import Eat
from probexit.experiments.methods.logits.group_confidence import DeepConfGroup
from probexit.experiments.methods.logits.momentum_exit import MomentumExit
from probexit.experiments.methods.logits.think_brake import ThinkBrake
from probexit.experiments.methods.text.completion import CompletionPoint
from probexit.experiments.methods.text.hedging import Hedging
from probexit.experiments.methods.text.trimr import TrimR

# The small contexts' 100 calibration problems are one: wrong at its first cue, right at its second.


@pytest.fixture
def scene(small, hand_made):
    """``scene(test, rest)``: one test trace, and 100 problems to fit and to calibrate on.

    Each is given by the columns that differ from a trace of zeros: of its cues, or per token.
    """

    def make(test, rest):
        context = small([changed(hand_made("-++", True), test)], [(0.0,) * 3])
        s = context.splits
        kept = [changed(trace, rest) for trace in (*s.fit, *s.calibrate)]
        return replace(context, splits=Splits(kept[:100], kept[100:], s.test))

    return make


def changed(trace, columns):
    ours = {k: v for k, v in columns.items() if hasattr(trace.cues, k)}
    per_token = {k: v for k, v in columns.items() if k not in ours}
    return replace(trace, cues=replace(trace.cues, **ours), **per_token)


def blocks(*values, length=42):
    """A column per token: each value for ten tokens, up to a cue; then zeros."""
    column = torch.zeros(length)
    for i, value in enumerate(values):
        column[10 * i : 10 * i + 10] = value
    return column


def places(method, context):
    return {outcome.label: int(outcome.exits[0]) for outcome in method.outcomes(context)}


def column(*values):
    return torch.tensor(values)[:, None]


def test_eat(scene):
    test = {"answer_entropies": column(0.9, 0.5, 0.49)}
    context = scene(test, {"answer_entropies": column(0.9, 0.9)})
    # alpha = .5: means .9, .7, .595 and variances 0, .02, .0155
    found = Eat(alpha=0.5, delta=0.016, warm_up=1).outcomes(context)
    at = {outcome.label: outcome.exits.tolist() for outcome in found}
    assert at["published 0.016"] == [NO_EXIT]  # 4 / .5 = 8 cues of warm-up
    assert at["0.016, 1 cues"] == [2]
    assert at["certified 5 %"] == [NO_EXIT]  # 0, the only finite score there, is not reached here
    assert [o.probing.tolist() for o in found] == [[9], [9], [9]]  # closing text, three cues


def test_eat_warms_up_as_published():
    assert [Eat().alpha, Eat().delta] == [0.2, 2e-4]


def test_think_brake_looks_past_the_end_in_the_top_list(scene):
    top = torch.log(torch.tensor([[0.7, 0.2, 0.1], [0.5, 0.04, 0.01], [0.6, 0.3, 0.1]]))
    end = torch.log(torch.tensor([0.001, 0.05, 0.6]))  # at the last it is the likeliest itself
    context = scene({"top_logprobs": top, "end_logprob": end}, {})
    found = places(ThinkBrake(), context)
    assert found["published 2.5"] == 1  # log(.5 / .05) is 2.3
    assert found["published 0.1"] == 2  # log(.3 / .6) is negative; of .6 with itself, 0


def test_think_brake_certified(scene):
    # wrong where the end is unlikely, right where it is as likely as the likeliest
    top = torch.log(torch.tensor([[0.7, 0.2], [0.4, 0.4]]))
    end = torch.log(torch.tensor([0.1, 0.4]))
    test = {"top_logprobs": top[[0, 0, 1]], "end_logprob": end[[0, 0, 1]]}
    (*_, found) = ThinkBrake().outcomes(scene(test, {"top_logprobs": top, "end_logprob": end}))
    assert found.label == "certified 5 %"
    assert found.threshold == 0.0
    assert found.exits.tolist() == [2]


def test_cusum_waits_for_the_entropy_to_stay_low(scene):
    # the fit split's mean is .4: two blocks of .7 and .3 and 5 tokens of .0 make 25 tokens
    rest = {"entropies": blocks(0.7, 0.3, length=32)}
    context = scene({"entropies": blocks(0.9, 0.2, 0.1)}, rest)
    assert Cusum().signal(context).reference == pytest.approx(0.4)
    # sums 0 and 1 there; here 0, 2 and 5, as the sum does not go below 0, or it were -5, -3 and 0
    (found,) = Cusum().outcomes(context)
    assert found.threshold == pytest.approx(1.0, abs=1e-5)
    assert found.exits.tolist() == [1]


def test_cusum_needs_thinking(scene):
    context = scene({}, {"thinking": 0})
    with pytest.raises(Unavailable, match="record more problems"):
        Cusum().outcomes(context)


def test_group_confidence_at_the_percentiles_of_the_lowest_group(scene):
    rest = {"confidences": blocks(3.0, 5.0, length=32)}
    context = scene({"confidences": blocks(1.0, 4.0, 6.0)}, rest)
    method = DeepConfGroup(window=10)
    found = {o.label: (o.threshold, o.exits.tolist()) for o in method.outcomes(context)}
    # the lowest group of every warm-up trace is 3, not the lowest token or the last group
    assert found["percentile 90"] == found["percentile 10"] == (3.0, [1])
    assert found["certified 5 %"] == (5.0, [2])


def test_momentum_compares_a_step_with_the_momentum_before_it(scene):
    rest = {"logprobs": -blocks(1.0, 1.0, length=32)}
    found = MomentumExit().outcomes(scene({"logprobs": -blocks(1.0, 1.3, 1.2)}, rest))
    # exp(1 - 1.3) = .74; the momentum is then 1.03, and exp(1.03 - 1.2) = .84
    assert found[0].label == "share 0.8"
    assert found[0].exits.tolist() == [2]
    assert found[1].threshold == 1.0
    assert found[1].exits.tolist() == [NO_EXIT]  # above the largest score: not clamped to it


def test_closing_certainty(scene):
    rest = {"answer_entropies": column(1.0, 0.1)}
    (found,) = ClosingCertainty().outcomes(scene({"answer_entropies": column(0.9, 0.2, 0.1)}, rest))
    assert found.threshold == pytest.approx(math.exp(-0.1))
    assert found.exits.tolist() == [2]
    assert found.probing.tolist() == [9]  # the closing text at three cues, no answer


def test_hedging_is_certified_on_whole_words(scene):
    rest = {"steps": ("Perhaps it is.", "So it is, then.")}  # -1/3, then 1/7
    context = scene({"steps": ("soul know awaits", "so", "thus so")}, rest)
    (found,) = Hedging().outcomes(context)
    assert found.threshold == pytest.approx(1 / 7)
    assert found.exits.tolist() == [1]  # 0, 1/4


def test_trimr_counts_confirmations_in_a_row(scene):
    test = {"steps": ("The answer is 7.", "The answer is 17.", "The answer is 17.")}
    context = scene(test, {"steps": ("The answer is 7.", "The answer is 7.")})
    found = places(TrimR(), context)
    # more steps than the traces of the fit split take: stopped with one confirmation, too
    assert found == {"1 confirmed": 2, "2 confirmed": 2, "certified 5 %": 2}
    mute = ("The answer is 7.", "Hm", "Hm")
    whole = scene({"steps": mute}, {"steps": mute[:2]})
    assert places(TrimR(patience=0.5), whole)["1 confirmed"] == 2
    one = TrimR().signal(whole)
    assert one.scores(whole.splits.fit[0]).tolist() == [0, 0]  # within the usual number of steps


def test_trimr_asks_the_verifier_it_is_given(scene):
    steps = {"steps": ("one", "two", "three")}
    context = scene(steps, {"steps": ("a", "b")})
    agree = FromFunction(lambda a, b: (a, b) == ("one", "two"))
    assert places(TrimR(), replace(context, verifier=agree))["1 confirmed"] == 1


def test_completion_point(scene):
    test = {"steps": ("I know the answers", "So the answer is 7.", "The answer is 7.")}
    context = scene(test, {"steps": ("Hmm", "The answer is 3.")})
    assert places(CompletionPoint(), context) == {"first completion": 1, "certified 5 %": 1}
    verified = places(CompletionPoint(verifier=StatedAnswer()), context)
    assert verified["first completion"] == 2

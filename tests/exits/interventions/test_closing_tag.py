"""The boosts of the closing tag, by hand."""

import math

import pytest
import torch

from probexit.exits.interventions.end_boost import EndBoost
from probexit.exits.interventions.stop_temperature import StopTemperature
from probexit.hooks.think_tags import ThinkTags

OPEN, CLOSE = 3, 4
V = 128


@pytest.fixture
def at(words):
    """``at(rule, logits)``: how the logits of one row that thinks are changed."""

    def change(rule, logits):
        return (rule.bind(words, ThinkTags())([[20, OPEN]], logits[None]) - logits)[0]

    return change


def test_end_boost_by_hand(at):
    logits = torch.zeros(V)
    logits[20], logits[21] = 10.0, -2.0 * V + 118.0  # the largest is 10, the mean -1
    found = at(EndBoost(0.6), logits)
    assert float(found[CLOSE]) == pytest.approx(0.6 * (10 + 1))
    assert found.count_nonzero() == 1


def test_end_boost_looks_past_tokens_that_are_ruled_out(words):
    logits = torch.zeros(1, V)
    logits[0, 20], logits[0, 21] = 2.0, -math.inf
    found = EndBoost(0.5).bind(words, ThinkTags())([[20, OPEN]], logits)
    assert float(found[0, CLOSE]) == pytest.approx(0.5 * (2 - 2 / (V - 1)))


def test_stop_temperature_by_hand(words):
    probs = torch.full((V,), 0.75 / (V - 1))
    probs[CLOSE] = 0.25
    found = StopTemperature(1.0).bind(words, ThinkTags())([[20, OPEN]], probs.log()[None])
    # at temperature 2, .25 becomes .5; with the others' .75 that is .4 of the whole
    assert float(found.softmax(-1)[0, CLOSE]) == pytest.approx(0.5 / 1.25)


@pytest.mark.parametrize("shift", [-100.0, 0.0, 100.0])
@pytest.mark.parametrize("strength", [0.1, 1.0, 9.0])
def test_stop_temperature_can_only_raise(words, shift, strength):
    """Also where the raw logits are positive, which a factor on them could not promise."""
    logits = 5 * torch.randn(50, V) + shift
    rule = StopTemperature(strength).bind(words, ThinkTags())
    found = rule([[20, OPEN]] * 50, logits)
    assert (found.softmax(-1)[:, CLOSE] >= logits.softmax(-1)[:, CLOSE]).all()
    assert (found.softmax(-1)[:, CLOSE] > logits.softmax(-1)[:, CLOSE]).any()


def test_what_is_ruled_out_stays_so(words):
    logits = torch.zeros(1, V)
    logits[0, CLOSE] = -math.inf
    for rule in (StopTemperature(1.0), EndBoost(0.5)):
        assert float(rule.bind(words, ThinkTags())([[20, OPEN]], logits)[0, CLOSE]) == -math.inf


def test_each_row_by_its_own_logits(at, words):
    """Not by the last row's."""
    logits = torch.randn(3, V)
    together = EndBoost(0.6).bind(words, ThinkTags())([[i, OPEN] for i in (20, 21, 22)], logits)
    for i in range(3):
        assert torch.equal(together[i] - logits[i], at(EndBoost(0.6), logits[i]))


def test_a_tag_of_several_tokens_is_raised_one_by_one(metaspace_tokenizer):
    tokenizer, tags = metaspace_tokenizer, ThinkTags()
    closing = tokenizer.encode(tags.close, add_special_tokens=False)
    assert len(closing) > 2
    row = tokenizer.encode("<think>\nSo 17", add_special_tokens=False)
    rule = EndBoost(1.0).bind(tokenizer, tags)
    for step, token in enumerate(closing):
        logits = torch.randn(1, len(tokenizer))
        changed = (rule([list(row)], logits) - logits)[0]
        assert changed.nonzero().flatten().tolist() == [token], step
        row.append(token)
    assert torch.equal(rule([list(row)], logits), logits)  # it is written: the thinking is over

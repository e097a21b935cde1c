"""RPC: the published decisions on worked examples, and what its two parts do."""

import math

import numpy as np
import pytest

from probexit.exits.samples.base import Sample, State
from probexit.exits.samples.perplexity_consistency import PerplexityConsistency
from probexit.exits.samples.vote import winner
from probexit.exits.samples.weibull_mixture import WeibullMixture, density, mean


def sample(ids, probability, state=State.FINISHED):
    return Sample(
        ids=ids, logprobs=[math.log(probability)] * len(ids), tokens=len(ids), state=state
    )


def test_a_completion_drawn_twice_votes_once():
    group = [sample([1, 1], 0.3), sample([1, 1], 0.3), sample([1, 2], 0.1)]
    group += [sample([2, 1], 0.28), sample([2, 2], 0.27)]
    weights = PerplexityConsistency(k=5).weights(group)
    assert weights == pytest.approx([0.3, 0, 0.1, 0.28, 0.27])
    answers = ["A", "A", "A", "B", "B"]
    assert winner(answers, [1.0] * 5, [2] * 5, str.__eq__) == 0  # self-consistency: A by 3 to 2
    assert winner(answers, weights, [2] * 5, str.__eq__) == 3  # B by .55 to .40


def test_a_sample_that_was_cut_does_not_vote():
    group = [sample([1], 0.9, State.CUT), sample([2], 0.1)]
    assert PerplexityConsistency(k=2).weights(group) == pytest.approx([0, 0.1])


def test_the_mixture_by_hand():
    mixture = WeibullMixture(0.5, (6.0, 0.8), (2.0, 0.4))
    x = np.array([0.3, 0.6, 0.8])
    assert density(x, 6, 0.8) == pytest.approx([0.055464, 1.489610, 2.759096], abs=1e-6)
    assert density(x, 2, 0.4) == pytest.approx([2.136686, 0.790494, 0.183156], abs=1e-6)
    assert mixture.of_high(x) == pytest.approx([0.025301, 0.653308, 0.937750], abs=1e-6)
    assert (mean(6, 0.8), mean(2, 0.4)) == pytest.approx((0.742175, 0.354491), abs=1e-6)


HIGH = [0.82, 0.79, 0.85, 0.80, 0.77, 0.83, 0.78, 0.81]
LOW = [0.45, 0.50, 0.42, 0.55, 0.48, 0.60, 0.52, 0.40]


def test_improbable_samples_are_pruned():
    assert PerplexityConsistency().kept([*HIGH, *LOW]) == [True] * 8 + [False] * 8
    assert PerplexityConsistency().kept([*LOW, *HIGH]) == [False] * 8 + [True] * 8


def test_few_samples_are_not_pruned():
    assert PerplexityConsistency(fit_from=6).kept([0.9, 0.1, 0.1, 0.1, 0.1]) == [True] * 5


def test_the_likeliest_sample_is_kept_whatever_is_fitted():
    draw = np.random.default_rng(0)
    for n in range(6, 30):
        values = draw.uniform(1e-6, 1, n).tolist()
        kept = PerplexityConsistency().kept(values)
        assert kept[int(np.argmax(values))]
    assert all(PerplexityConsistency().kept([0.5] * 7))  # all alike


def test_a_probability_of_zero_is_refused():
    with pytest.raises(ValueError, match="numbers above 0"):
        WeibullMixture.fit([0.5, 0.0])

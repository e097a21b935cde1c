from dataclasses import replace
from math import inf

import pytest
import torch

from probexit.exits.signals.base import Trial
from probexit.exits.signals.entropy_variance import EntropyVariance


@pytest.fixture
def entropies(answers):
    """``entropies([..])``: a trace with these entropies behind the closing text."""

    def make(values):
        column = torch.tensor([[x, 7.0 * x] for x in values]).reshape(-1, 2)
        trace = answers("a" * len(values))
        return replace(trace, cues=replace(trace.cues, answer_entropies=column))

    return make


def test_the_published_recursion_uses_the_new_mean(entropies):
    found = EntropyVariance(alpha=0.2).moments(entropies([1.0, 0.5, 0.5, 0.2]))
    golden = [(1, 0), (0.9, 0.032), (0.82, 0.04608), (0.696, 0.086067)]
    assert [x for pair in found for x in pair] == pytest.approx(
        [x for pair in golden for x in pair], abs=1e-6
    )


def test_the_score_is_minus_the_variance_behind_the_warm_up(entropies):
    trace = entropies([1.0, 0.5, 0.5, 0.2])
    scores = EntropyVariance(warm_up=2).scores(trace).tolist()
    assert scores == pytest.approx([-inf, -inf, -0.04608, -0.086067], abs=1e-6)
    assert EntropyVariance().scores(trace).tolist() == [-inf] * 4  # 20 cues, as published


def test_the_first_cue_is_never_an_exit(entropies):
    assert EntropyVariance(warm_up=1).scores(entropies([0.3, 0.3])).tolist() == [-inf, 0.0]
    with pytest.raises(ValueError, match="warm_up=0"):
        EntropyVariance(warm_up=0)


def test_decodes_the_closing_text_and_no_answer(entropies):
    signal = EntropyVariance(closing=4)
    assert signal.cost(entropies([1.0, 1.0])).tolist() == [4, 4]
    assert signal.trial is Trial.CLOSING


def test_without_cues(answers):
    trace = answers([])
    none = replace(trace.cues, answer_entropies=torch.empty(0, 0))
    assert EntropyVariance().scores(replace(trace, cues=none)).tolist() == []


@pytest.mark.parametrize("alpha", [0.0, -0.1, 1.1])
def test_refuses_a_weight_that_is_none(alpha):
    with pytest.raises(ValueError, match="alpha="):
        EntropyVariance(alpha=alpha)

from dataclasses import replace

import torch

from probexit.exits.signals.base import CueState
from probexit.exits.signals.random_score import RandomScore


def test_the_same_trace_gets_the_same_numbers(answers):
    trace = answers("abc")
    assert torch.equal(RandomScore(1).scores(trace), RandomScore(1).scores(trace))


def test_others_do_not(answers):
    trace = answers("abc")
    mine = RandomScore(1).scores(trace)
    others = [replace(trace, problem="q"), replace(trace, rollout=1)]
    assert not any(torch.equal(mine, RandomScore(1).scores(other)) for other in others)
    assert not torch.equal(mine, RandomScore(2).scores(trace))


def test_grades_and_answers_do_not_move_them(answers):
    a, b = answers("abc"), answers("xyz", [[-1.0]] * 3)
    assert torch.equal(RandomScore().scores(a), RandomScore().scores(b))


def test_uniform_and_independent_along_the_trace(answers):
    traces = [replace(answers("abcd"), problem=str(i)) for i in range(2000)]
    scores = torch.stack([RandomScore().scores(trace) for trace in traces])
    assert (scores.mean(0) - 0.5).abs().max() < 4 * (1 / 12 / 2000) ** 0.5
    assert (torch.corrcoef(scores.T) - torch.eye(4)).abs().max() < 4 / 2000**0.5


def test_live_draws_one_number_a_row():
    one = torch.ones(5)
    scores = RandomScore().live(CueState(one, one, [1] * 5))
    assert scores.shape == (5,)
    assert len(scores.unique()) == 5

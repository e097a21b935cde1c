from dataclasses import replace

import torch

from probexit.exits.signals.spans import means, step_starts


def test_a_step_starts_behind_the_previous_cue(answers):
    trace = replace(answers("abc"), begins=0)  # cues at tokens 0, 5 and 10
    assert step_starts(trace).tolist() == [0, 1, 6]
    assert step_starts(answers([])).tolist() == []


def test_means_by_hand():
    column = torch.tensor([9.0, 1.0, 2.0, 6.0])
    assert means(column, torch.tensor([1, 3]), torch.tensor([2, 3])).tolist() == [1.5, 6.0]


def test_means_do_not_depend_on_what_comes_later():
    column = torch.randn(1000) * 100
    longer = torch.cat([column, torch.full((5,), 1e8)])
    first, last = torch.arange(0, 990, 7), torch.arange(0, 990, 7) + 6
    assert torch.equal(means(column, first, last), means(longer, first, last))

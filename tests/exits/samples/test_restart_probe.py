"""The judge of adaptive sampling: its labels, and what its score means."""

import pytest
import torch

from probexit.exits.samples.restart_probe import RestartProbe, restart_pairs


def test_labels_by_hand():
    own, labels = restart_pairs([False, True, False], ["p", "p", "q"])
    assert (own, labels) == ([0, 1], [0, 1])  # wrong and the other right; right
    assert restart_pairs([False, False], ["p", "p"])[1] == [1, 1]  # a restart is useless
    assert restart_pairs([True, True], ["p", "p"])[1] == [1, 1]


def test_it_tells_hopeless_from_unlucky():
    """An always-wrong question scores high though its samples are wrong."""
    torch.manual_seed(0)
    rows, right, problems = [], [], []
    for i in range(60):
        hopeless = i % 2 == 0
        for sample in range(4):
            good = not hopeless and sample % 2 == 0
            rows.append([1.0 if hopeless else 0.0, 1.0 if good else 0.0])
            right.append(good)
            problems.append(str(i))
    judge = RestartProbe.fit(torch.tensor(rows), right, problems)
    hopeless, lucky, unlucky = judge.score(torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]))
    assert hopeless > 0.8
    assert lucky > 0.8
    assert unlucky < min(hopeless, lucky) - 0.1


@pytest.mark.parametrize(
    ("right", "problems", "why"),
    [
        ([True, False], ["p", "q"], "no problem has two samples"),
        ([True, True], ["p", "p"], "never better"),
    ],
)
def test_what_it_cannot_learn_from(right, problems, why):
    with pytest.raises(ValueError, match=why):
        RestartProbe.fit(torch.zeros(2, 3), right, problems)

from dataclasses import replace

import torch

from probexit.exits.signals.novel_leaf import NovelLeaf, with_previous
from probexit.probes.linear import LinearHead
from probexit.probes.logistic import Logistic


def head(weight: list[float]) -> Logistic:
    probe, d = Logistic(), len(weight)
    probe.head_ = LinearHead(torch.zeros(d), torch.ones(d), torch.tensor(weight), torch.tensor(0.0))
    return probe


def test_by_hand(answers) -> None:
    """Leaf reads the step, novel the step less the one before: 2 - 0, 1 - 2, 1 - 1."""
    made = answers("abc")
    steps = torch.tensor([2.0, 1.0, 1.0]).reshape(3, 1, 1)
    trace = replace(made, cues=replace(made.cues, step_hidden=steps))
    signal = NovelLeaf(leaf=head([1.0]), novel=head([1.0, -1.0]), at=(3,), recorded=(3,))
    leaf, novel = torch.tensor([2.0, 1.0, 1.0]).sigmoid(), torch.tensor([2.0, -1.0, 0.0]).sigmoid()
    torch.testing.assert_close(signal.scores(trace), leaf * (1 - novel))
    torch.testing.assert_close(replace(signal, leaf=None).scores(trace), 1 - novel)


def test_nothing_comes_before_the_first_step() -> None:
    steps = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert with_previous(steps).tolist() == [[1, 2, 0, 0], [3, 4, 1, 2]]
    assert with_previous(steps[:0]).shape == (0, 4)

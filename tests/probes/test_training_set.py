import numpy as np
import pytest
import torch

from probexit.probes.training_set import TrainingSet, moments, standardised

X = torch.tensor([[1.0, 7], [3, 7], [5, 7]])


def test_moments_by_hand():
    mean, scale = moments(X)
    torch.testing.assert_close(mean, torch.tensor([3.0, 7]))
    torch.testing.assert_close(scale, torch.tensor([(8 / 3) ** 0.5, 1.0]))  # constant: 1, not 0


def test_rounding_noise_is_not_a_scale():
    column = torch.full([10_001, 1], 3.3)
    column[::2] = torch.nextafter(column[::2], torch.tensor(9.0))
    assert column.std() > 0
    assert moments(column)[1].item() == 1.0


def test_without_groups_each_cue_is_a_problem():
    assert TrainingSet.of(X, torch.tensor([0, 1, 1]), None).groups.tolist() == [0, 1, 2]


def test_taking_rows_keeps_both_classes_or_refuses():
    data = TrainingSet.of(X, torch.tensor([0, 1, 1]), torch.tensor([4, 5, 6]))
    part = data.take(torch.tensor([True, False, True]))
    assert (part.y.tolist(), part.groups.tolist()) == ([0, 1], [4, 6])
    with pytest.raises(ValueError, match="both classes"):
        data.take(torch.tensor([False, True, True]))


def test_standardised_block_by_block_is_the_whole(monkeypatch):
    X = torch.randn(10, 3) * 5 + 2
    mean, scale = moments(X)
    monkeypatch.setattr("probexit.probes.training_set._BLOCK", 4)
    blocks = standardised(X, mean, scale)
    assert blocks.dtype == np.float64
    assert np.array_equal(blocks, ((X - mean) / scale).double().numpy())

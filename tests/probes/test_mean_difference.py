import torch

from probexit.probes.mean_difference import MeanDifference


def test_direction_is_the_difference_of_the_class_means():
    X = torch.tensor([[0.0, 0, 5], [2, 0, 5], [3, 4, 5], [5, 4, 5]])
    probe = MeanDifference().fit(X, torch.tensor([0, 0, 1, 1]))
    weight = probe.state()["weight"]  # mu1 - mu0 = (4, 4, 5) - (1, 0, 5) = (3, 4, 0)
    torch.testing.assert_close(weight / weight.norm(), torch.tensor([0.6, 0.8, 0.0]))
    torch.testing.assert_close(probe.score(X.mean(0)), torch.tensor(0.5))  # midway, by symmetry


def test_scores_keep_the_base_rate():
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(500, 4, generator=generator)
    y = (torch.rand(500, generator=generator) < torch.sigmoid(X[:, 0] - 1)).long()
    assert abs(MeanDifference().fit(X, y).score(X).mean() - y.float().mean()) < 1e-3

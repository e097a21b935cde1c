import torch
from sklearn.metrics import roc_auc_score

from probexit.probes.discriminant import Discriminant
from probexit.probes.mean_difference import MeanDifference


def shared_noise(seed):
    """Feature 0 carries the label and a strong noise, feature 1 the noise alone."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(400) % 2
    noise = 5 * torch.randn(400, generator=generator)
    small = 0.3 * torch.randn(400, 2, generator=generator)
    return torch.stack([y + noise, noise], dim=1) + small, y


def test_whitening_cancels_noise_that_the_mean_difference_keeps():
    X, y = shared_noise(1)
    aurocs = {
        make: roc_auc_score(y, make().fit(*shared_noise(0)).score(X))
        for make in (Discriminant, MeanDifference)
    }
    assert aurocs[MeanDifference] < 0.7 < 0.9 < aurocs[Discriminant]


def test_fewer_cues_than_features_is_fine():
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(60) % 2
    X = torch.randn(60, 300, generator=generator) + y[:, None]
    assert roc_auc_score(y, Discriminant().fit(X, y).score(X)) > 0.99

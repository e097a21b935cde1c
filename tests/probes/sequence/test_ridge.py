import torch

from probexit.probes.sequence.ridge import Ridge


def test_a_line_is_found_exactly() -> None:
    X = torch.randn(300, 3)
    y = 0.5 + X @ torch.tensor([0.05, -0.02, 0.0])
    probe = Ridge(penalty=0.0).fit([X], [y])
    torch.testing.assert_close(probe.score(X), y, atol=1e-5, rtol=0)
    torch.testing.assert_close(
        probe.direction(), torch.tensor([0.05, -0.02, 0.0]), atol=1e-5, rtol=0
    )


def test_by_hand() -> None:
    # x = -1, 1 (mean 0, scale 1), y = 0, 1: weight = (1/2) / (1 + 1), bias 1/2
    probe = Ridge(penalty=1.0).fit([torch.tensor([[-1.0], [1.0]])], [torch.tensor([0.0, 1.0])])
    found = probe.score(torch.tensor([[-1.0], [0.0], [1.0], [9.0], [-9.0]]))
    torch.testing.assert_close(found, torch.tensor([0.25, 0.5, 0.75, 1.0, 0.0]))

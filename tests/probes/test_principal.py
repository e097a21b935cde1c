import torch

from probexit.probes.principal import Principal, _leading


def test_axes_of_largest_variance_first() -> None:
    X = torch.tensor([[3.0, 0.1], [-3.0, 0.1], [3.0, -0.1], [-3.0, -0.1]], dtype=torch.float64)
    axes = _leading(X, 1)
    assert axes.shape == (2, 1)
    torch.testing.assert_close(axes[:, 0].abs(), torch.tensor([1.0, 0.0], dtype=torch.float64))


def test_what_lies_in_dropped_components_is_not_read() -> None:
    """Two features move together; the label sits in a third, alone, of less shared variance."""
    generator = torch.Generator().manual_seed(0)
    common = torch.randn(400, 1, generator=generator)
    y = (torch.rand(400, generator=generator) < 0.5).long()
    noise = 0.1 * torch.randn(400, 2, generator=generator)
    X = torch.cat([common + noise, 2.0 * y[:, None] - 1], 1)
    seen, blind = (Principal(components=k).fit(X, y).score(X) for k in (3, 1))
    assert ((seen > 0.5) == (y == 1)).float().mean() > 0.99
    assert ((blind > 0.5) == (y == 1)).float().mean() < 0.75

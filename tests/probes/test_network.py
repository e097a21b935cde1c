import torch

from probexit.probes.network import Network, balanced, log_loss


def make(hidden):
    return Network(torch.zeros(6), torch.ones(6), hidden, torch.Generator().manual_seed(0))


def test_logits_by_hand():
    net = make([2])
    net.mean, net.scale = torch.full([6], 1.0), torch.full([6], 2.0)
    with torch.no_grad():
        net.weights[0].copy_(torch.eye(6)[:2])
        net.biases[0].copy_(torch.tensor([0.0, -9]))
        net.weights[1].copy_(torch.tensor([[3.0, 5]]))
        net.biases[1].copy_(torch.tensor([-1.0]))
        logit = net(torch.tensor([5.0, 5, 0, 0, 0, 0]))  # relu(2, 2 - 9) = (2, 0); 3 * 2 - 1
    assert logit.item() == 5.0


def test_weights_fill_the_glorot_range():
    weight = make([300]).weights[0]
    bound = (6 / 306) ** 0.5
    assert weight.abs().max() <= bound
    assert abs(weight.std() - bound / 3**0.5) < 0.05 * bound


def test_balanced_weights_by_hand():
    weights = balanced(torch.tensor([1.0, 0, 0, 0]))
    torch.testing.assert_close(weights, torch.tensor([2.0, 2 / 3, 2 / 3, 2 / 3]))


def test_log_loss_of_even_odds_is_log_two():
    net = make([])
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.zero_()
        loss = log_loss(net, torch.randn(4, 6), torch.tensor([0.0, 1, 1, 0]), torch.arange(1.0, 5))
    torch.testing.assert_close(loss, torch.tensor(2.0).log())


def test_alpha_weighs_ones_as_published():
    """Up to a factor: ``alpha n_0 / n_1`` for ones, 1 for zeros (arXiv 2504.05419)."""
    weights = balanced(torch.tensor([1.0, 0, 0, 0]), alpha=2.0)
    torch.testing.assert_close(weights / weights[1], torch.tensor([6.0, 1, 1, 1]))

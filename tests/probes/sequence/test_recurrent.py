import torch

from probexit.probes.sequence.gru import GRU
from probexit.probes.sequence.lstm import LSTM
from probexit.probes.sequence.recurrent import RecurrentNet, _log_loss
from probexit.probes.sequence.training_set import Thinkings


def parity(n: int, seed: int) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """The label of each step is whether the *first* step was positive: it must be remembered."""
    generator = torch.Generator().manual_seed(seed)
    states = [torch.randn(5, 2, generator=generator) for _ in range(n)]
    return states, [(s[0, 0] > 0).float().expand(5) for s in states]


def test_both_remember() -> None:
    states, labels = parity(300, 0)
    unseen, expected = parity(100, 1)
    for make in (LSTM, GRU):
        probe = make(learning_rate=5e-3).fit(states, labels)
        last = torch.stack([probe.score(s)[-1] for s in unseen])
        right = (last > 0.5) == torch.stack([y[-1] for y in expected]).bool()
        assert right.float().mean() > 0.9


def test_padding_teaches_nothing() -> None:
    """Neither mean and scale nor loss see what was padded."""
    states = [torch.full((1, 1), 4.0), torch.tensor([[2.0], [0.0], [2.0]])]
    labels = [torch.ones(1), torch.tensor([0.0, 0.0, 1.0])]
    data = Thinkings.of(states, labels, None)
    assert data.X.shape == (2, 3, 1)
    mean, scale = data.moments()
    torch.testing.assert_close(mean, torch.tensor([2.0]))
    torch.testing.assert_close(scale, torch.tensor([2.0**0.5]))
    net = RecurrentNet(mean, scale, torch.nn.GRU(1, 4, batch_first=True), 4, 0.0)
    alone = [_log_loss(net, data.take(torch.tensor([i]))) for i in (0, 1)]
    torch.testing.assert_close(_log_loss(net, data), (alone[0] + 3 * alone[1]) / 4)


def test_dropout_is_off_when_reading() -> None:
    probe = LSTM(dropout=0.9, epochs=2).fit(*parity(40, 0))
    states = torch.randn(4, 2)
    assert torch.equal(probe.score(states), probe.score(states))

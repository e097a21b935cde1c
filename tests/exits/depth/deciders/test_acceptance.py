"""SpecDec++'s head: the published loss, and that it learns which tokens are accepted."""

import pytest
import torch
from sklearn.metrics import roc_auc_score

from probexit.exits.depth.deciders.acceptance import Acceptance, weighted_loss
from probexit.exits.depth.deciders.layer_view import LayerView


def test_the_loss_by_hand() -> None:
    accepted = torch.tensor([0.9, 0.4])
    told = torch.stack([1 - accepted, accepted], 1).log()
    loss = weighted_loss(told, torch.tensor([1.0, 0.25]), 6.0)
    assert float(loss) == pytest.approx(2.633149 / 5.75, abs=1e-6)


@pytest.fixture
def tokens() -> tuple[torch.Tensor, torch.Tensor]:
    """States whose length says nothing and whose first entry says which are accepted."""
    drawn = torch.Generator().manual_seed(0)
    states = torch.randn(600, 8, generator=drawn) * (1 + 50 * torch.rand(600, 1, generator=drawn))
    return states, (states[:, 0] > 0).float()


def scores(decider: Acceptance, states: torch.Tensor) -> torch.Tensor:
    return decider.score(LayerView(3, states, states, 1, None))  # type: ignore[arg-type]


def test_it_tells_accepted_tokens(tokens: tuple[torch.Tensor, torch.Tensor]) -> None:
    states, accepted = tokens
    decider = Acceptance(steps=200, rate=1e-2).learn(3, states[:400], accepted[:400])
    told = scores(decider, states[400:])
    assert roc_auc_score(accepted[400:].numpy(), told.numpy()) > 0.9
    again = Acceptance(steps=200, rate=1e-2).learn(3, states[:400], accepted[:400])
    assert torch.equal(scores(again, states), scores(decider, states))


def test_rejections_weigh_more(tokens: tuple[torch.Tensor, torch.Tensor]) -> None:
    states, _ = tokens
    coin = torch.full((600,), 0.5)  # nothing to be learned but the base rate
    plain, wary = (Acceptance(steps=200, weight=w).learn(3, states, coin) for w in (1.0, 6.0))
    assert float(scores(plain, states).mean()) == pytest.approx(1 / 2, abs=0.15)
    assert float(scores(wary, states).mean()) == pytest.approx(1 / 7, abs=0.15)

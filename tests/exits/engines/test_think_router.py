"""ThinkRouter: the published decision."""

import pytest
import torch

from probexit.exits.engines.think_router import Routing, ThinkRouter

LOGITS = torch.tensor([0.7, 0.2, 0.1]).log()


def test_the_published_decision():
    tokens, weights = Routing(0.6, width=2).mixture(LOGITS)
    assert tokens.tolist() == [0, 1]
    assert weights.tolist() == pytest.approx([0.777778, 0.222222], abs=1e-6)
    assert Routing(0.8).mixture(LOGITS) is None
    assert Routing(float(LOGITS.softmax(-1)[0])).mixture(LOGITS) is not None  # equal is sure


def test_a_batch_is_refused():
    router = ThinkRouter(Routing(0.5), None, None, [])
    with pytest.raises(ValueError, match="batch of one"):
        router([[1], [2]], torch.zeros(2, 3))


def test_a_width_of_nothing_is_refused():
    with pytest.raises(ValueError, match="width=0"):
        Routing(0.5, width=0)

"""Each ramp has a threshold of its own, by hand."""

from types import SimpleNamespace

import pytest
import torch

from probexit.exits.depth.deciders.own_thresholds import ABOVE, OwnThresholds


def look(layer: int, *confidences: float) -> SimpleNamespace:
    """Two tokens to choose from; the likelier one has the confidence."""
    p = torch.tensor(confidences, dtype=torch.float64)
    return SimpleNamespace(layer=layer, logits=torch.stack([p, 1 - p], 1).log())


def test_a_token_leaves_where_its_doubt_is_below_the_layers_threshold() -> None:
    decider = OwnThresholds((1, 3), (0.2, 0.05))
    left = [decider.score(look(layer, 0.97, 0.9, 0.7)) >= ABOVE for layer in (1, 3, 4)]
    assert [row.tolist() for row in left] == [
        [True, True, False],
        [True, False, False],
        [False, False, False],  # a layer that is not named has no ramp
    ]


def test_zero_never_leaves_however_sure() -> None:
    assert not (OwnThresholds((1,), (0.0,)).score(look(1, 1.0)) >= ABOVE).any()


def test_confidences_come_back_from_the_scores() -> None:
    decider = OwnThresholds((1, 3), (0.2, 0.05))
    scores = torch.stack([decider.score(look(layer, 0.97, 0.9)) for layer in (1, 3)], 1)
    assert decider.confidences(scores).flatten().tolist() == pytest.approx([0.97, 0.97, 0.9, 0.9])

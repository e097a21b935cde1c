import pytest
import torch

from probexit.probes.features import select_layers

HIDDEN = torch.arange(24.0).reshape(2, 4, 3)  # two cues, four layers, width three


def test_layers_stand_side_by_side_in_the_order_asked():
    assert select_layers(HIDDEN, [2, 0]).tolist() == [
        [6, 7, 8, 0, 1, 2],
        [18, 19, 20, 12, 13, 14],
    ]


def test_leading_axes_are_kept():
    assert select_layers(HIDDEN[None, None], (1,)).shape == (1, 1, 2, 3)
    assert torch.equal(select_layers(HIDDEN[0], (1,)), HIDDEN[0, 1])


@pytest.mark.parametrize("layers", [[], [4], [-1], [1, 1]])
def test_layers_that_were_not_recorded_are_refused(layers):
    with pytest.raises(ValueError, match=r"distinct and in 0 \.\. 3"):
        select_layers(HIDDEN, layers)


def test_a_single_vector_has_no_layers():
    with pytest.raises(ValueError, match="must be"):
        select_layers(torch.zeros(3), [0])

from dataclasses import replace

import pytest
import torch

from probexit.exits.signals.group_confidence import GroupConfidence


@pytest.fixture
def trace(answers):
    """Cues at tokens 1, 3 and 5; the thinking begins at token 1."""
    confidences = torch.tensor([100.0, 1.0, 2.0, 6.0, 4.0, 5.0, 100.0])
    made = replace(answers("abc"), begins=1, confidences=confidences)
    return replace(made, cues=replace(made.cues, positions=torch.tensor([1, 3, 5])))


def test_by_hand(trace):
    assert GroupConfidence(3).scores(trace).tolist() == pytest.approx([1.0, 3.0, 5.0])


def test_a_wide_window_is_all_of_the_thinking_so_far(trace):
    expected = [1.0, 3.0, 3.6]
    assert GroupConfidence().scores(trace).tolist() == pytest.approx(expected)  # 2,048 tokens


def test_refuses_no_window():
    with pytest.raises(ValueError, match="window=0"):
        GroupConfidence(0)

"""The mean state so far, by hand."""

from types import SimpleNamespace

import torch

from probexit.exits.signals.mean_pooled import MeanPooled
from probexit.probes.random_direction import RandomDirection


def test_steps_weigh_by_their_length() -> None:
    """Steps of 1 and 3 tokens with means 4 and 8: the mean of the four tokens is 7."""
    steps = torch.tensor([[[4.0]], [[8.0]]]).bfloat16()
    cues = SimpleNamespace(positions=torch.tensor([2, 5]), step_hidden=steps)
    signal = MeanPooled(probe=RandomDirection(), at=(3,), recorded=(3,))
    found = signal.pooled(SimpleNamespace(cues=cues, begins=2))
    assert found.flatten().tolist() == [4.0, 7.0]

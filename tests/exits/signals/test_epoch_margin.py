"""All epochs must agree, each strictly above its own bound."""

from types import SimpleNamespace

import pytest
import torch

from probexit.calibration.early_stopping import EpochRule
from probexit.exits.policies.threshold import Threshold
from probexit.exits.signals.epoch_margin import ABOVE, EpochMargin
from probexit.probes.linear import LinearHead
from probexit.probes.logistic import Logistic


def reader(bias: float) -> Logistic:
    """sigmoid(x + bias)."""
    probe = Logistic()
    zero, one = torch.zeros(1), torch.ones(1)
    probe.head_ = LinearHead(zero, one, one, torch.tensor(bias))
    return probe


def margin(probes: tuple[Logistic, ...], bounds: tuple[float, ...]) -> EpochMargin:
    return EpochMargin(probes=probes, bounds=bounds, at=(4,), recorded=(4,))


def test_the_rule_as_deployed_is_the_rule_as_certified() -> None:
    states = torch.linspace(-3, 3, 41)[:, None, None]
    trace = SimpleNamespace(cues=SimpleNamespace(hidden=states))
    probes = (reader(0.0), reader(1.0))
    scores = torch.stack([probe.score(states[:, 0].bfloat16()) for probe in probes], 1).double()
    # one bound is a score itself: the cue that has it does not leave
    bounds = (float(scores[25, 0]), float(scores[18, 1]))
    signal = margin(probes, bounds)
    left = Threshold(ABOVE).should_exit(signal.scores(trace)[:, None])
    assert left.tolist() == EpochRule((0, 1), bounds).exits(scores.numpy()).tolist()
    assert left.tolist() == [i > 25 for i in range(41)]
    alone = margin(probes[1:], bounds[1:]).scores(trace)
    assert (alone >= ABOVE).sum() == 22  # the other epoch alone would leave earlier


def test_a_bound_for_each_epoch() -> None:
    with pytest.raises(ValueError, match="2 probes and 1 bounds"):
        margin((reader(0.0), reader(1.0)), (0.5,))

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from probexit.exits.signals.sequence import SequenceSignal
from probexit.exits.trace import Trace
from probexit.probes.sequence.adapting import Adapting


@pytest.fixture
def trace(answers: Callable[..., Trace]) -> Trace:
    """Layers 2 and 5, of width 1: (1, 2), (3, 4), (5, 6) at the cues; of the steps, minus that."""
    hidden = torch.arange(1.0, 7).reshape(3, 2, 1)
    made = answers("abc")
    return replace(made, cues=replace(made.cues, hidden=hidden, step_hidden=-hidden))


def summing(width: int) -> Adapting:
    """``sigmoid`` of the sum of what it reads, without updates."""
    probe = Adapting(eta=0.0)
    zero, one = torch.zeros(width), torch.ones(width)
    probe.restore({"mean": zero, "scale": one, "weight": one, "bias": torch.tensor(0.0)})
    return probe


@pytest.mark.parametrize(
    ("column", "at", "sums"),
    [
        ("hidden", (5,), [2, 4, 6]),
        ("step_hidden", (5,), [-2, -4, -6]),
        ("hidden", (2, 5), [3, 7, 11]),
    ],
)
def test_reads_its_column_at_its_layers(trace: Trace, column, at, sums) -> None:
    signal = SequenceSignal(probe=summing(len(at)), at=at, recorded=(2, 5), column=column)
    expected = torch.sigmoid(torch.tensor(sums).float())
    torch.testing.assert_close(signal.scores(trace), expected)
    assert signal.layers == at
    assert signal.cost(trace).tolist() == [0, 0, 0]


def test_order_matters_as_the_probe_remembers(trace: Trace) -> None:
    probe = summing(1)
    probe.eta = 0.5
    signal = SequenceSignal(probe=probe, at=(2,), recorded=(2, 5), column="hidden")
    turned = replace(trace, cues=replace(trace.cues, hidden=trace.cues.hidden.flip(0)))
    assert not torch.allclose(signal.scores(trace), signal.scores(turned).flip(0))

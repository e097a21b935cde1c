"""What a probe is to predict."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from probexit.exits.trace import Trace
from probexit.experiments.targets import TARGETS, cue_table

Make = Callable[..., list[Trace]]


@pytest.fixture
def trace(make_traces: Make) -> Trace:
    """Five cues: wrong, right, wrong, right, right; then a right end."""
    long = next(t for t in make_traces(50) if len(t.cues) >= 5)
    cut = {k: v[:5] for k, v in vars(long.cues).items()}
    cut["correct"] = torch.tensor([0, 1, 0, 1, 1]).bool()
    agrees = torch.tensor([0, 0, 0, 1, 1]).bool()
    return replace(long, cues=type(long.cues)(**cut), correct=True, agrees=agrees)


@pytest.mark.parametrize(
    ("target", "at_a_right_end", "at_a_wrong_end"),
    [
        ("correct", [0, 1, 0, 1, 1], [0, 1, 0, 1, 1]),
        ("agrees", [0, 0, 0, 1, 1], [0, 0, 0, 1, 1]),
        ("stays", [0, 0, 0, 1, 1], [0, 0, 0, 0, 0]),
    ],
)
def test_by_hand(
    target: str, at_a_right_end: list[int], at_a_wrong_end: list[int], trace: Trace
) -> None:
    assert TARGETS[target](trace).int().tolist() == at_a_right_end
    assert TARGETS[target](replace(trace, correct=False)).int().tolist() == at_a_wrong_end


@pytest.mark.parametrize("target", TARGETS)
def test_cues_are_pooled_with_their_problem(target: str, make_traces: Make) -> None:
    traces = make_traces(40)
    table = cue_table(traces, target)
    at = 0
    for trace in traces:
        rows = slice(at, at + len(trace.cues))
        assert torch.equal(table.hidden[rows], trace.cues.hidden)
        assert torch.equal(table.labels[rows], TARGETS[target](trace))
        assert len(set(table.groups[rows].tolist())) == min(1, len(trace.cues))
        at += len(trace.cues)
    assert at == len(table.labels) == len(table.groups) == len(table.hidden)
    assert len(set(table.groups.tolist())) == sum(len(t.cues) > 0 for t in traces)
    assert table.labels.dtype == torch.bool


def test_refusals(make_traces: Make) -> None:
    with pytest.raises(ValueError, match="unknown target 'rigth': choose one of correct, agrees"):
        cue_table(make_traces(3), "rigth")
    silent = [t for t in make_traces(200) if not len(t.cues)]
    assert silent
    with pytest.raises(ValueError, match="has a cue: record with another --cues"):
        cue_table(silent, "correct")

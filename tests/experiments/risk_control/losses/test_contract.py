"""What every loss promises; members are found by walking the folder."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from probexit.exits.policies.threshold import Threshold
from probexit.exits.replay import NO_EXIT, exit_table
from probexit.exits.trace import Trace
from probexit.experiments.registry import members
from probexit.experiments.risk_control.losses.base import Loss

LOSSES = members("probexit.experiments.risk_control.losses")
Make = Callable[..., list[Trace]]


@pytest.fixture(params=LOSSES.values(), ids=LOSSES.keys())
def loss(request: pytest.FixtureRequest) -> Loss:
    made: Loss = request.param()
    return made


def test_one_number_in_the_unit_interval_per_cue(loss: Loss, make_traces: Make) -> None:
    seen = set()
    for trace in make_traces(100):
        losses = loss.at_cues(trace)
        assert losses.shape == (len(trace.cues),)
        assert ((losses >= 0) & (losses <= 1)).all()
        assert 0 <= loss.at_end(trace) <= 1
        seen |= set(losses.tolist())
    assert len(seen) > 1  # it tells exits apart


def test_the_table_looks_up_the_exit(loss: Loss, make_traces: Make) -> None:
    traces = make_traces(60)
    scores = [torch.rand(len(t.cues)) for t in traces]
    exits = exit_table(Threshold(), scores, torch.tensor([float("inf"), 0.8, 0.3, 0.0]))
    table = loss.table(traces, exits)
    assert table.shape == tuple(exits.shape)
    for i, trace in enumerate(traces):
        at_cues = loss.at_cues(trace).tolist()
        for j, left in enumerate(exits[i].tolist()):
            assert table[i, j] == (loss.at_end(trace) if left == NO_EXIT else at_cues[left])
    assert (table[:, 0] == [loss.at_end(t) for t in traces]).all()


@pytest.mark.parametrize(
    ("name", "end_right", "end_wrong"),
    [
        ("lost_correct", [1, 0, 1, 0], [0, 0, 0, 0]),
        ("wrong_at_exit", [1, 0, 1, 0], [1, 0, 1, 0]),
        ("inconsistent", [1, 0, 1, 0], [0, 1, 0, 1]),
        ("before_first_correct", [1, 0, 0, 0], [1, 0, 0, 0]),
    ],
)
def test_by_hand(name: str, end_right: list[int], end_wrong: list[int], make_traces: Make) -> None:
    """Forced answers: wrong, right, wrong, right; all wrong answers are the same one."""
    long = next(t for t in make_traces(50) if len(t.cues) >= 4)
    cut = {k: v[:4] for k, v in vars(long.cues).items() if v is not None}
    cut["correct"] = right = torch.tensor([0, 1, 0, 1]).bool()
    trace = replace(long, cues=type(long.cues)(**cut), correct=True, agrees=right)
    loss = LOSSES[name]()
    assert loss.at_cues(trace).int().tolist() == end_right
    wrong = replace(trace, correct=False, agrees=~right)
    assert loss.at_cues(wrong).int().tolist() == end_wrong


def test_never_right_loses_nothing_before_it(make_traces: Make) -> None:
    never = next(t for t in make_traces(50) if len(t.cues) and not t.cues.correct.any())
    assert not LOSSES["before_first_correct"]().at_cues(never).any()

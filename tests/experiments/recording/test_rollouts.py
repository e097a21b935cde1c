"""Several rollouts of a problem: recorded beside each other, and counted as one problem."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from probexit.calibration.learn_then_test import LearnThenTest
from probexit.exits.engines.decoding import Decoding
from probexit.exits.replay import NO_EXIT
from probexit.exits.trace import Trace
from probexit.experiments.fitting.splits import split
from probexit.experiments.recording.record import Recorder
from probexit.experiments.recording.rollouts import by_problem, one_each, rollout_key
from probexit.experiments.recording.run import Run
from probexit.experiments.recording.tasks.by_name import task
from probexit.experiments.risk_control.certify import certify_exits
from probexit.experiments.risk_control.losses.lost_correct import LostCorrect
from probexit.experiments.verbs.record import Recording
from probexit.hooks.cues.reflection import Reflection
from probexit.hooks.models import Reasoner


@pytest.fixture(scope="module")
def recorder(shipped: Reasoner) -> Recorder:
    short = replace(shipped, answer_tokens=4)
    decoding = Decoding(120, 1.0)
    return Recorder(short, task("arith:easy"), Reflection(), (6,), decoding, answer_samples=2)


@pytest.fixture(scope="module")
def several(recorder: Recorder, tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = Run(tmp_path_factory.mktemp("several"))
    replace(recorder, each=3).record(run, 5, 2)
    return run


def equal(one: Trace, other: Trace) -> bool:
    sampled = one.cues.sampled_right, other.cues.sampled_right
    return (
        torch.equal(one.token_ids, other.token_ids)
        and torch.equal(one.cues.hidden, other.cues.hidden)
        and one.cues.answers == other.cues.answers
        and torch.equal(*(column for column in sampled if column is not None))
    )


def test_rollouts_begin_with_the_recording_of_one_and_differ(
    recorder: Recorder, several: Run, tmp_path: Path
) -> None:
    recorder.record(Run(tmp_path), 5, 2)
    traces = several.traces()
    problems = [item.id for item, _ in zip(recorder.task.items(), range(5), strict=False)]
    assert [(t.problem, t.rollout) for t in traces] == [(p, k) for p in problems for k in range(3)]
    firsts = one_each(traces)
    assert [t.token_ids.tolist() for t in firsts] == [
        t.token_ids.tolist() for t in Run(tmp_path).traces()
    ]
    for rollouts in by_problem(traces).values():
        assert len({tuple(t.prompt_ids.tolist()) for t in rollouts}) == 1
        assert len({tuple(t.token_ids.tolist()) for t in rollouts}) == 3


def test_a_recording_of_rollouts_goes_on_where_it_was_left(
    recorder: Recorder, several: Run, tmp_path: Path
) -> None:
    run, three = Run(tmp_path), replace(recorder, each=3)
    three.record(run, 1, 2)  # half a shard, which then grows
    assert len(run.recorded(0)) == 1
    three.record(run, 5, 2)
    assert [len(run.recorded(i)) for i in range(3)] == [2, 2, 1]
    assert all(map(equal, run.traces(), several.traces()))


def test_seeds_differ_by_problem_and_by_rollout() -> None:
    keys = {rollout_key(number, rollout) for number in range(50) for rollout in range(4)}
    assert len(keys) == 200
    assert [rollout_key(number, 0) for number in range(3)] == [0, 1, 2]


def cloned(trace: Trace, problems: int, rollouts: int) -> list[Trace]:
    """Copy a trace as if it were that of many problems, each thought about several times."""
    return [
        replace(trace, problem=f"p{i}", rollout=k) for i in range(problems) for k in range(rollouts)
    ]


def test_rollouts_are_split_by_problem_and_one_of_each_is_promised_on(several: Run) -> None:
    traces = cloned(several.traces()[0], 40, 3)
    parts = split(traces, seed=1)
    names = [{t.problem for t in part} for part in (parts.fit, parts.calibrate, parts.test)]
    assert sum(map(len, names)) == len(set().union(*names)) == 40
    assert len(parts.fit) == 3 * len(names[0])
    for part in (parts.calibrate, parts.test):
        assert [t.rollout for t in part] == [0] * len({t.problem for t in part})
        assert [t.rollout for t in parts.rollouts_of(part[0])] == [0, 1, 2]


def test_a_promise_counts_problems_and_not_rollouts(several: Run) -> None:
    """Sixty copies of twenty problems would certify what twenty cannot; they are refused."""
    trace = replace(several.traces()[0], correct=False)
    traces, grid = cloned(trace, 20, 3), torch.tensor([0.5])
    stay = torch.full((60, 1), NO_EXIT)
    calibrator = LearnThenTest(0.05, 0.1)
    alone = [replace(t, problem=f"{t.problem}/{t.rollout}") for t in traces]
    assert certify_exits(alone, stay, grid, LostCorrect(), calibrator).certified
    with pytest.raises(ValueError, match="several rollouts, which are not independent"):
        certify_exits(traces, stay, grid, LostCorrect(), calibrator)
    assert not certify_exits(one_each(traces), stay[:20], grid, LostCorrect(), calibrator).certified


def test_rollouts_that_would_be_the_same_are_refused() -> None:
    with pytest.raises(ValueError, match="rollouts = 2 would all be the same"):
        Recording(rollouts=2, decoding=Decoding(temperature=0))
    with pytest.raises(ValueError, match="rollouts = 0 must be at least 1"):
        Recording(rollouts=0)

"""What a probe is to predict."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from probexit.exits.trace import Trace
from probexit.experiments.fitting.targets import (
    TARGETS,
    cue_table,
    leaf,
    novel,
    progress,
    unanimous,
)

Make = Callable[..., list[Trace]]


@pytest.fixture
def trace(make_traces: Make) -> Trace:
    """Five cues: wrong, right, wrong, right, right; then a right end."""
    long = next(t for t in make_traces(50) if len(t.cues) >= 5)
    cut = {k: v[:5] for k, v in vars(long.cues).items() if v is not None}
    cut["correct"] = torch.tensor([0, 1, 0, 1, 1]).bool()
    cut["answers"] = ("4", "7", "4", "7", " 7")
    agrees = torch.tensor([0, 0, 0, 1, 1]).bool()
    return replace(long, cues=type(long.cues)(**cut), correct=True, agrees=agrees)


@pytest.mark.parametrize(
    ("target", "at_a_right_end", "at_a_wrong_end"),
    [
        ("correct", [0, 1, 0, 1, 1], [0, 1, 0, 1, 1]),
        ("agrees", [0, 0, 0, 1, 1], [0, 0, 0, 1, 1]),
        ("stays", [0, 0, 0, 1, 1], [0, 0, 0, 0, 0]),
        ("reached", [0, 1, 1, 1, 1], [0, 1, 1, 1, 1]),
        ("arrived", [0, 0, 0, 1, 1], [0, 0, 0, 1, 1]),
        ("converged", [0, 0, 0, 1, 1], [0, 0, 0, 1, 1]),
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
    states = table.states.select(range(table.states.shape[1]))
    at = 0
    for trace in traces:
        rows = slice(at, at + len(trace.cues))
        assert torch.equal(states[rows], trace.cues.hidden.flatten(1))
        assert torch.equal(table.labels[rows], TARGETS[target](trace))
        assert len(set(table.groups[rows].tolist())) == min(1, len(trace.cues))
        at += len(trace.cues)
    assert at == len(table.labels) == len(table.groups) == len(states)
    assert len(set(table.groups.tolist())) == sum(len(t.cues) > 0 for t in traces)
    assert table.labels.dtype == torch.bool


def test_arrived_forgives_what_comes_after(trace: Trace) -> None:
    there = replace(trace, agrees=torch.tensor([0, 1, 0, 0, 1]).bool())
    assert TARGETS["arrived"](there).int().tolist() == [0, 1, 1, 1, 1]


def test_converged_reads_neither_gold_nor_the_full_runs_answer(trace: Trace) -> None:
    """The last answer is wrong and not the full run's, and stays from the third cue on."""
    answers = ("4", "7", "4", "4", "4 ")
    wrong = torch.zeros(5, dtype=torch.bool)
    made = replace(trace, cues=replace(trace.cues, answers=answers, correct=wrong), agrees=wrong)
    assert TARGETS["converged"](made).int().tolist() == [0, 0, 1, 1, 1]


def test_novel_is_what_no_earlier_cue_answered(trace: Trace) -> None:
    assert novel(trace).tolist() == [True, True, False, False, False]


@pytest.mark.parametrize(
    ("step", "answer", "states"),
    [
        ("so it is 7. Wait,", "7", True),
        ("so it is 17. Wait,", "7", False),
        ("so it is 7.5. Wait,", "7", False),
        ("so it is 2.7. Wait,", "7", False),
        ("I know. Wait,", "no", False),
        ("No. Wait,", "no", True),
        ("as 3 + (4) Wait,", "3 + (4)", True),
        ("and nothing.", "", False),
    ],
)
def test_a_leaf_states_the_answer_in_whole_words(
    step: str, answer: str, states: bool, trace: Trace
) -> None:
    cues = replace(trace.cues, answers=(answer,) * 5, steps=(step,) * 5)
    assert leaf(replace(trace, cues=cues)).tolist() == [states] * 5


def test_unanimous_is_every_sample_right(trace: Trace) -> None:
    sampled = torch.tensor([[1, 1], [1, 0], [0, 0], [0, 1], [1, 1]]).bool()
    made = replace(trace, cues=replace(trace.cues, sampled_right=sampled))
    assert unanimous(made).tolist() == [True, False, False, False, True]
    with pytest.raises(ValueError, match="--answer-samples 16"):
        unanimous(replace(made, cues=replace(made.cues, sampled_right=None)))


def test_progress_is_the_share_of_thinking_tokens(trace: Trace) -> None:
    positions = torch.tensor([3, 5, 7, 9, 11])
    made = replace(trace, cues=replace(trace.cues, positions=positions), begins=2, thinking=20)
    assert progress(made).tolist() == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])


def test_traces_without_cues_have_no_labels(make_traces: Make) -> None:
    silent = next(t for t in make_traces(200) if not len(t.cues))
    for label in (*TARGETS.values(), novel, leaf, progress):
        assert label(silent).shape == (0,)


def test_refusals(make_traces: Make) -> None:
    with pytest.raises(ValueError, match="unknown target 'rigth': choose one of correct, agrees"):
        cue_table(make_traces(3), "rigth")
    silent = [t for t in make_traces(200) if not len(t.cues)]
    assert silent
    with pytest.raises(ValueError, match="has a cue: record with another --cues"):
        cue_table(silent, "correct")

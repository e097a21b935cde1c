from dataclasses import replace

import pytest
import torch

from probexit.exits.signals.trimr_count import FORCED, TrimRCount, repeats


@pytest.fixture
def told(answers):
    """``told(values)``: a trace whose steps state these values; nothing for ""."""

    def make(values):
        steps = tuple(f"So the answer is {v}. Wait," if v else "Hmm," for v in values)
        trace = answers("a" * len(steps))
        ids = torch.arange(trace.thinking)
        return replace(trace, token_ids=ids, cues=replace(trace.cues, steps=steps))

    return make


@pytest.mark.parametrize(
    ("values", "scores"),
    [
        (("", "A", "A", "B", "B", "B"), [0, 0, 1, 0, 1, 2]),  # the third B: three in a row
        (("A", "A", "A"), [0, 1, 2]),
        (("A", "B", "A", "B"), [0, 0, 0, 0]),
    ],
)
def test_overthinking_by_hand(told, values, scores):
    assert TrimRCount().scores(told(values)).tolist() == scores


def test_underthinking_forces_a_stop(told):
    assert TrimRCount(most=2).scores(told("ABAB")).tolist() == [0, 0, FORCED, FORCED]


def test_a_repeated_block_forces_a_stop(told):
    trace = told("ABA")
    at = int(trace.cues.positions[1]) + 1
    ids = trace.token_ids.clone()
    ids[at - 4 : at] = torch.tensor([7, 8, 7, 8])
    looped = replace(trace, token_ids=ids)
    assert TrimRCount(block=2).scores(looped).tolist() == [0, FORCED, FORCED]
    assert TrimRCount(block=3).scores(looped).tolist() == [0, 0, 0]


def test_a_block_is_whole():
    assert repeats([1, 2, 1, 2], 2)
    assert not repeats([2, 1, 2], 2)
    assert not repeats([1, 2, 2, 1], 2)

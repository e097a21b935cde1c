import math
from dataclasses import replace

import pytest
import torch

from probexit.exits.signals.certain_run import CertainRun

NO = -math.inf
EXAMPLES = {
    "changes": (["7", "7", "8", "8"], [1, 2, 1, 2]),
    "17 is not 7": (["17", "7"], [1, 1]),
    "empty answers never agree": (["", "", "7", "7"], [0, 0, 1, 2]),
    "hesitation breaks the run": (["7", "7, no", "7", "7"], [1, 0, 1, 2]),
    "two hesitations do not agree": (["Wait", "Wait"], [0, 0]),
    "no is not in know": (["I know 7", "I know 7", "I know 7"], [1, 2, 3]),
    "but is not in butter": (["butter", "butter"], [1, 2]),
    "no cues": ([], []),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_by_hand(answers, name):
    texts, lengths = EXAMPLES[name]
    assert CertainRun(chunk=1).scores(answers(texts)).tolist() == lengths


def test_a_probe_waits_for_the_first_cue_a_chunk_after_the_last_one(answers):
    # cues after 1, 6, 11, 16, .. tokens: 10 after the start is the third, 10 after that the fifth
    trace = answers(["7"] * 6)
    signal = CertainRun(closing=3, chunk=10)
    assert signal.trials(trace).tolist() == [False, False, True, False, True, False]
    assert signal.scores(trace).tolist() == [NO, NO, 1, NO, 2, NO]
    assert signal.cost(trace).tolist() == [0, 0, 4, 0, 4, 0]


def test_a_late_cue_moves_the_next_probe(answers):
    trace = answers(["7"] * 4)
    late = replace(trace, cues=replace(trace.cues, positions=torch.tensor([9, 28, 30, 39])))
    assert CertainRun(chunk=10).trials(late).tolist() == [True, True, False, True]


def test_tokens_before_the_thinking_do_not_count(answers):
    trace = replace(answers(["7"] * 5), begins=2)  # the last three come after 9, 14 and 19 tokens
    assert CertainRun(chunk=10).trials(trace).tolist() == [False, False, False, True, False]


def test_answers_where_no_probe_is_made_are_not_looked_at(answers):
    texts = ["7", "wait", "7", "", "7"]  # the middle one and the last are probes
    assert CertainRun(chunk=10).scores(answers(texts)).tolist() == [NO, NO, 1, NO, 2]


def test_an_impossible_chunk_is_refused():
    with pytest.raises(ValueError, match="chunk=0"):
        CertainRun(chunk=0)

import pytest

from probexit.exits.signals.run_length import RunLength

EXAMPLES = {
    "changes": (["7", "7", "8", "8", "8"], [1, 2, 1, 2, 3]),
    "comes back": (["7", "8", "7"], [1, 1, 1]),
    "spaces do not matter": (["7", " 7", "7\n"], [1, 2, 3]),
    "17 is not 7": (["7", "17"], [1, 1]),
    "two missing answers do not agree": (["7", "", "", "7"], [1, 0, 0, 1]),
    "no cues": ([], []),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_by_hand(answers, name):
    texts, lengths = EXAMPLES[name]
    assert RunLength().scores(answers(texts)).tolist() == lengths


def test_costs_a_trial_answer_at_every_cue(answers):
    assert RunLength(closing=3).cost(answers(["a", "a"])).tolist() == [4, 4]

from dataclasses import replace

import pytest

from probexit.exits.signals.completion import Completion
from probexit.exits.verifiers.function import FromFunction
from probexit.exits.verifiers.stated_answer import StatedAnswer


@pytest.fixture
def told(answers):
    """``told(steps)``: a trace with these steps."""

    def make(*steps):
        trace = answers("a" * len(steps))
        return replace(trace, cues=replace(trace.cues, steps=steps))

    return make


def test_counts_the_steps_that_state_a_solution(told):
    trace = told("Let me see.", "So the answer is 7.", "Wait, no.", r"Therefore \boxed{8}")
    assert Completion().scores(trace).tolist() == [0, 1, 1, 2]


@pytest.mark.parametrize("text", ["the answer isn", "thereforeward", "unboxed", "my final answers"])
def test_phrases_are_whole(told, text):
    assert Completion().scores(told(text)).tolist() == [0]


def test_a_verifier_must_confirm_the_point_before(told):
    steps = ("The answer is 7.", "Hmm", "The answer is 8.", "The answer is 8.")
    signal = Completion(verifier=StatedAnswer())
    assert signal.scores(told(*steps)).tolist() == [0, 0, 0, 1]


def test_pays_for_each_judgement(told):
    class Dear(FromFunction):
        def cost(self, *texts: str) -> int:
            return 3

    trace = told("Hmm", "The answer is 7.", "Hmm", "The answer is 8.", "the answer is 8")
    asked = []
    signal = Completion(verifier=Dear(lambda a, b: bool(asked.append((a, b)))))
    signal.scores(trace)
    assert signal.cost(trace).tolist() == [0, 0, 0, 3, 3]
    assert len(asked) == 2
    assert Completion().cost(trace).tolist() == [0] * 5


def test_patterns_of_ones_own(told):
    assert Completion(patterns=("q e d",)).scores(told("Q E D.", "sequel")).tolist() == [1, 1]
    with pytest.raises(ValueError, match="none empty"):
        Completion(patterns=())


def test_without_cues(told):
    assert Completion().scores(told()).tolist() == []
    assert Completion(verifier=StatedAnswer()).cost(told()).tolist() == []

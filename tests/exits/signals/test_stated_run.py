from dataclasses import replace

import pytest

from probexit.exits.signals.stated_run import StatedRun
from probexit.exits.verifiers.function import FromFunction

EXAMPLES = {
    "equal": (("7", "7", "7"), [0, 1, 2]),
    "changes": (("7", "7", "8", "8"), [0, 1, 0, 1]),
    "comes back": (("7", "8", "7"), [0, 0, 0]),
    "17 is not 7": (("7", "17"), [0, 0]),
    "passes over a step without an answer": (("7", "", "7", "", "8"), [0, 0, 1, 1, 0]),
    "two missing answers do not agree": (("", ""), [0, 0]),
    "no cues": ((), []),
}


@pytest.fixture
def told(answers):
    """``told(values)``: a trace whose steps state these values; nothing for ""."""

    def make(values):
        steps = tuple(f"So the answer is {v}. Wait," if v else "Hmm," for v in values)
        trace = answers("a" * len(steps))
        return replace(trace, cues=replace(trace.cues, steps=steps))

    return make


@pytest.mark.parametrize("name", EXAMPLES)
def test_by_hand(told, name):
    values, runs = EXAMPLES[name]
    assert StatedRun().scores(told(values)).tolist() == runs
    assert StatedRun().cost(told(values)).tolist() == [0] * len(values)


def test_any_judge_of_two_neighbours(told):
    asked = []

    def judge(a: str, b: str) -> bool:
        asked.append((a[17:18], b[17:18]))
        return True

    assert StatedRun(FromFunction(judge)).scores(told("123")).tolist() == [0, 1, 2]
    assert asked == [("1", "2"), ("2", "3")]


def test_pays_for_each_judgement(told):
    class Dear(FromFunction):
        def cost(self, *texts: str) -> int:
            return 3 if len(texts) == 2 else 0

        def states(self, text: str) -> bool:
            return "answer" in text

    signal = StatedRun(Dear(lambda a, b: a == b))
    assert signal.cost(told(("", "7", "", "8", "8"))).tolist() == [0, 0, 0, 3, 3]

"""What every grader must keep; the members are found by walking the family."""

import pytest

from probexit.experiments.recording.grading.base import Grader
from probexit.experiments.registry import members

GRADERS = [cls() for cls in members("probexit.experiments.recording.grading").values()]
ANSWERS = [
    "A",
    "B",
    "(B)",
    "x",
    "7",
    "07",
    "1/2",
    "0.5",
    "no",
    "on",
    "know",
    "(1,2)",
    "x=7",
    "",
    "?",
]


@pytest.mark.parametrize("grader", GRADERS, ids=repr)
def test_same_is_symmetric_and_empty_equals_nothing(grader: Grader) -> None:
    for a in ANSWERS:
        assert not grader.same(a, "")
        assert not grader.same(a, " ")
        for b in ANSWERS:
            assert grader.same(a, b) == grader.same(b, a), (a, b)


@pytest.mark.parametrize("grader", GRADERS, ids=repr)
@pytest.mark.parametrize("text", ["", "\n", "\\boxed{", "\\boxed{B", "Hm.\n\n\\boxed{\\text{B}"])
def test_what_breaks_off_is_no_answer(grader: Grader, text: str) -> None:
    assert grader.extract(text) == ""


@pytest.mark.parametrize("grader", GRADERS, ids=repr)
@pytest.mark.parametrize("answer", ["A", "B"])
def test_letters_are_answers_to_all(grader: Grader, answer: str) -> None:
    for sentence in ("The answer is {}.", "\\boxed{{{}}}", "Hence:\n\n#### {}", "**Answer:** {}"):
        assert grader.extract(sentence.format(answer)) == answer
    assert grader.same(answer, answer)
    assert not grader.same("A", "B")

import pytest

from probexit.experiments.recording.grading.exact import ExactGrader

GRADER = ExactGrader()


@pytest.mark.parametrize(
    ("answer", "other", "same"),
    [
        ("fox", "Fox.", True),
        ("  the  red\tfox ", "the red fox", True),
        ("\\text{fox}", "fox", True),
        ("**fox**", '"fox"', True),
        ("\N{FULLWIDTH DIGIT SEVEN}", "7", True),
        ("no", "know", False),
        ("know", "no", False),
        ("fox", "foxes", False),
        ("7", "7.0", False),
        ("?", "?", True),
        ("?", "!", False),
        ("", "", False),
    ],
)
def test_same(answer: str, other: str, same: bool) -> None:
    assert GRADER.same(answer, other) == same


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("fox.", "fox"),
        ("The answer is fox. Or so I think.", "fox"),
        ("The answer is cat. Wait, the answer is fox.", "fox"),
        ("The answer is St. Louis.", "St. Louis"),
        ("The answer is St. Paul.", "St. Paul"),
        ("It was J. R. R. Tolkien: the answer is J. R. R. Tolkien. Yes.", "J. R. R. Tolkien"),
        ("<answer>1 2\n2 1</answer>", "1 2\n2 1"),
        ("Well.\n\nfox", ""),
    ],
)
def test_extract(text: str, answer: str) -> None:
    assert GRADER.extract(text) == answer

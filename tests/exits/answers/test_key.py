import pytest

from probexit.exits.answers.key import answer_key, same_answer


@pytest.mark.parametrize(
    ("answer", "other", "same"),
    [
        ("1080", "1,080", True),
        ("1080", " 1080.0.", True),
        ("$1080$", "1.08e3", True),
        ("\\frac{1}{2}", "0.5", True),
        ("**B**", "(b)", True),
        ("Paris", "paris.", True),
        ("1080", "1081", False),
        ("5 cm", "5 m", False),
        ("6:15", "12:30", False),
        ("2024-01-05", "2024-05-01", False),
        ("no", "know", False),
        ("", "", False),
    ],
)
def test_answers_are_compared_by_value(answer: str, other: str, same: bool) -> None:
    assert same_answer(answer, other) == same
    assert same_answer(other, answer) == same


def test_no_answer_has_no_key() -> None:
    assert answer_key("  ") == ""

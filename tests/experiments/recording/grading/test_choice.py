import pytest

from probexit.experiments.recording.grading.choice import ChoiceGrader

GRADER = ChoiceGrader()


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        (r"\boxed{B}", "B"),
        (r"\boxed{(b)}", "B"),
        (r"\boxed{\text{B}}", "B"),
        (r"\boxed{\textbf{(B)}}", "B"),
        (r"\boxed{B. bank}", "B"),
        (r"\boxed{bank}", ""),
        (r"\boxed{A bank}", ""),
        ("The answer is B.", "B"),
        ("The answer is **B**.", "B"),
        ("The answer is (B) bank.", "B"),
        ("The answer is B because banks have doors.", "B"),
        ("The answer is A because banks have doors.", "A"),
        ("The answer is option C.", "C"),
        ("Answer: D", "D"),
        ("**Answer: D**", "D"),
        ("The correct answer is E) new york", "E"),
        ("The best answer is A. Then again the best answer is C.", "C"),
        ("B", "B"),
        ("B. bank", "B"),
        ("(B)", "B"),
        ("**B**", "B"),
        ("Both are fine, but (B) fits better than (C)? No: (B).", "B"),
        ("I would pick option D here", "D"),
        ("答案是B。", "B"),
        ("答案\uff1aC", "C"),
        ("Option B is right. Option A is wrong.", "B"),
        ("Option A is wrong. Option C is correct, option D is not.", "C"),
        ("(A) cannot be correct. (B) fits.", "B"),
        ("[B]", "B"),
        ("The answer is [C].", "C"),
        ("d", "D"),
        ("(b)", "B"),
        ("So $\\boxed{x = 3}$.\n\n**Answer: D**", "D"),
        ("\\boxed{12} holds. The answer is (E).", "E"),
        ("The answer is A. In short: \\boxed{B}", "B"),
        ("The answer is A. In short: \\boxed{B", ""),
    ],
)
def test_letters_are_found(text: str, letter: str) -> None:
    assert GRADER.extract(text) == letter


@pytest.mark.parametrize(
    "text",
    [
        "A revolving door is convenient.",
        "A bank has such a door.",
        "The answer is A revolving door, of course",
        "The answer is a bank.",
        "The answer is I do not know",
        "I think so.",
        "Because of its doors.",
        "Vitamin B is in it",
        "It is a) tricky question",
        "Dr. C. said so",
    ],
)
def test_prose_is_no_letter(text: str) -> None:
    assert GRADER.extract(text) == ""


def test_same() -> None:
    assert GRADER.same("B", "(b)")
    assert GRADER.same("B.", "B")
    assert not GRADER.same("B", "C")
    assert not GRADER.same("bank", "bank")

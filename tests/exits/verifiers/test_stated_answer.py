import pytest

from probexit.exits.verifiers.stated_answer import StatedAnswer, stated

STATED = {
    "So the answer is 21. Wait,": "21",
    "The answer is 3.14, I": "3.14, i",  # words behind it are kept: rather no exit than a wrong one
    "the final answer is: **42**.": "42",
    "Answer: $1,234$": "1234",
    "answer = 5\nand so on": "5",
    r"The answer is \boxed{\frac{1}{2}}.": r"\frac{1}{2}",
    r"Thus $\boxed{ 7 }$. The answer is 8.": "8",
    r"The answer is 8? Then \boxed{9}": "9",
    "The answer is H T T H.": "h t t h",
    "The answer is (2, 3).": "(2, 3)",
    "answers are 7": None,
    "The answer is not 7.": None,
    "Is the answer clear? No.": None,
    r"\boxed{}": None,
    "I know 7.": None,
    "": None,
}
SAME = [
    ("The answer is 7.", "Hence the answer is 7. Wait,", True),
    ("The answer is 7.", r"\boxed{7.0}", True),
    ("The answer is 1,000.", "answer: 1000", True),
    ("The answer is Cat.", "the answer is cat", True),
    ("The answer is 7.", "The answer is 17.", False),
    ("The answer is (2, 3).", "The answer is (2, 5).", False),
    ("The answer is 7.", "The answer is 7. No, the answer is 8.", False),
    ("The answer is 7.", "Hmm", False),
    ("Hmm", "Hmm", False),  # the check of the public code that is always true
    ("", "", False),
]


@pytest.mark.parametrize("text", STATED)
def test_the_last_answer_that_a_text_states(text):
    assert stated(text) == STATED[text]
    assert StatedAnswer().states(text) == (STATED[text] is not None)


@pytest.mark.parametrize(("a", "b", "same"), SAME)
def test_same(a, b, same):
    assert StatedAnswer().same(a, b) == StatedAnswer().same(b, a) == same

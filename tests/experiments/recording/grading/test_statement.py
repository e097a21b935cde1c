import pytest

from probexit.experiments.recording.grading.statement import boxed, statements


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        (r"\boxed{42}", "42"),
        (r"so \boxed{\frac{1}{2}}.", r"\frac{1}{2}"),
        (r"\boxed{\sqrt{\frac{a^{2}}{b_{1}}}} }", r"\sqrt{\frac{a^{2}}{b_{1}}}"),
        (r"\boxed{\left\{ 1, 2 \right.} and}", r"\left\{ 1, 2 \right."),
        (r"\boxed{\begin{pmatrix} 1 \\ 2 \end{pmatrix}}", r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}"),
        (r"first \boxed{1}, no: \boxed{2}", "2"),
        (r"\boxed{x = \boxed{3}}", "3"),
        (r"\boxed {7}", "7"),
        (r"\fbox{7}", "7"),
        (r"\boxed{7}, that is \boxed{7", ""),
        (r"put it in \boxed{} as asked: \boxed{5}", "5"),
        (r"put it in \boxed{} as asked", None),
        (r"\boxed{\frac{1}{2}", ""),
        (r"\boxed{", ""),
        ("no box", None),
        (r"\boxedness{3}", None),
        (r"} a stray brace, \boxed{3}", "3"),
        ("\\boxed{" * 20_000, ""),
        (r"\{ \boxed{\frac{1}{2}} \}", r"\frac{1}{2}"),
    ],
)
def test_boxed(text: str, inside: str | None) -> None:
    assert boxed(text) == inside


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("The answer is 42.", ["42"]),
        ("the answer is 3.5.", ["3.5"]),
        ("The answer is 3.5. It was 4 before.", ["3.5"]),
        ("The answer is: 42", ["42"]),
        ("The final answer is $\\frac{1}{2}$.", ["\\frac{1}{2}"]),
        ("The answer is $18 per day and costs $3.", ["$18 per day and costs $3"]),
        ("The answer is $x=1$ or $x=2$.", ["$x=1$ or $x=2$"]),
        ("Final answer: 42\nI checked.", ["42"]),
        ("**Final Answer**\n\n42", ["42"]),
        ("## Final Answer\n\\[\n42\n\\]", ["42"]),
        ("**Answer:** fox", ["fox"]),
        ("Answer = -3", ["-3"]),
        ("The answer to the second question is 7!", ["7"]),
        ("#### 1,080", ["1,080"]),
        ("<answer>42</answer>", ["42"]),
        ("<answer> the fox </answer> done", ["the fox"]),
        ("The answer is 4. Wait, the answer is 5.", ["4", "5"]),
        ("The answer is 4, and I know the answer is right.", ["4, and I know the answer is right"]),
        ("The answer is 4. The answer is correct.", ["4"]),
        ("The answer is not 4.", []),
        ("I will answer is a moment", ["a moment"]),
        ("I cannot give an answer yet.", []),
        ("The answer is", []),
        ("Two answers: 3", []),
        ("", []),
    ],
)
def test_statements(text: str, values: list[str]) -> None:
    assert statements(text) == values

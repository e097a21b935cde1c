import subprocess
import sys
import threading
import time

import pytest

from probexit.experiments.recording.grading import computing
from probexit.experiments.recording.grading.latex import LatexGrader, tidy

GRADER = LatexGrader()


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        ("1080", "1,080"),
        ("10080", "10,\\!080"),
        ("32348", "\\$32,\\!348"),
        ("18", "$18.00"),
        ("18", "18 dollars per day"),
        ("18", "18."),
        ("-10", "\N{MINUS SIGN}10"),
        ("24", "024"),
        ("0", "000"),
        ("50", "50\\%"),
        ("50\\%", "50 percent"),
        ("0.15", "15\\%"),
        ("\\frac{1}{2}", "0.5"),
        ("\\frac{1}{2}", "1/2"),
        ("\\frac{1}{2}", "\\dfrac12"),
        ("\\frac13", "0.333333"),
        ("1\\frac{4}{5}", "9/5"),
        ("2\\sqrt{5}", "\\sqrt{20}"),
        ("p - q", "-q+p"),
        ("(a+5)(b+2)", "ab+2a+5b+10"),
        ("x=5", "5"),
        ("5", "x = 5"),
        ("y = 2x + 3", "2x+3"),
        ("1,-2", "-2, 1"),
        ("\\{1,2\\}", "\\{2,1\\}"),
        ("7 and 9", "9, 7"),
        ("1 \\pm \\sqrt{19}", "1+\\sqrt{19}, 1-\\sqrt{19}"),
        ("(3,4]", "\\left( 3, 4 \\right]"),
        ("x \\in [-2,7]", "[-2,7]"),
        ("x<5", "(-\\infty,5)"),
        ("(-\\infty, 2) \\cup (3, \\infty)", "(3,\\infty)\\cup(-\\infty,2)"),
        ("\\left( 3, \\frac{\\pi}{2} \\right)", "(3, \\pi/2)"),
        (
            "\\begin{pmatrix} 1/5 \\\\ -2 \\end{pmatrix}",
            "\\begin{pmatrix} 0.2 \\\\ -2 \\end{pmatrix}",
        ),
        ("90^\\circ", "90"),
        ("15\\mbox{ cm}^2", "15"),
        ("34\\text{ sq. units}", "34"),
        ("52_8", "52_{8}"),
        ("\\text{Evelyn}", "Evelyn"),
        ("\\text{(C)}", "C"),
        ("2^{10}", "1024"),
        ("x^2y^2", "y^2x^2"),
        ("e^{x^2+1}", "e^{1+x^2}"),
        ("3\\times 10^5", "300000"),
        ("1.5e3", "1500"),
        ("6.63 \\times 10^{-34}", "6.63e-34"),
        ("45°", "45"),
        ("45°", "45^{\\circ}"),
        ("42\u3002", "42"),
        ("\uff14\uff12", "42"),
        ("\u0664\u0662", "42"),
        ("½", "0.5"),
        ("√2", "\\sqrt{2}"),
        ("x² + 1", "1 + x^2"),
        ("5 cm", "5 centimetres"),
        ("5 cm", "5cm"),
        ("5 \\text{ cm}", "5"),
        ("12\\text{ ft}^2", "12 square feet"),
        ("2024-01-05", "2024-01-05"),
        ("6:15", "6:15"),
        ("0x1F", "0x1f"),
        ("9 chickens and 10 rabbits", "10 rabbits and 9 chickens"),
        ("1,080", "1080.0"),
        ("2 and 3", "3, 2"),
    ],
)
def test_equal_values(gold: str, answer: str) -> None:
    assert GRADER.same(gold, answer)
    assert GRADER.same(answer, gold)


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        ("18", "180"),
        ("18", "1.8"),
        ("18", "-18"),
        ("1,234", "1.234"),
        ("18", "eighteen"),
        ("\\frac{1}{2}", "\\frac{1}{3}"),
        ("\\frac{1}{3}", "0.33"),
        ("3", "3\\pi"),
        ("3", "3 pi"),
        ("2k", "2n"),
        ("x=5", "x=-5"),
        ("x=5", "y=5"),
        ("(1,2)", "(2,1)"),
        ("(3,4]", "[3,4]"),
        ("(3,4)", "[3,4]"),
        ("1,-2", "1"),
        ("\\{1,2\\}", "\\{1,2,3\\}"),
        ("52_8", "52_9"),
        ("no", "know"),
        ("no", "on"),
        ("\\text{east}", "seat"),
        ("\\text{(C)}", "B"),
        ("7", "the sum of all of these"),
        ("2024-01-05", "2024-05-01"),
        ("2024/01/05", "2024/05/01"),
        ("6:15", "12:30"),
        ("6:15", "6.25"),
        ("5 m", "5 cm"),
        ("5 m", "5"),
        ("5 apples", "5 pears"),
        ("5 cm", "5 cm^2"),
        ("0x19976", "0x9976"),
        ("A1B2", "A2B1"),
        ("1.2.10", "1.2.1"),
        ("555-1234", "-679"),
        ("6.63 \\times 10^{-34}", "1.6 \\times 10^{-19}"),
        ("10^{-12}", "10^{-15}"),
        ("\\pi \\times 10^{-9}", "2\\pi \\times 10^{-9}"),
        ("(10^{-9}, 2)", "(3 \\times 10^{-9}, 2)"),
        ("1000000", "1000001"),
        ("9 chickens and 10 rabbits", "9 chickens and 12 rabbits"),
        ("9 chickens and 10 rabbits", "10 chickens and 9 rabbits"),
        ("2 and 3", "3"),
        ("7", ""),
        ("", ""),
    ],
)
def test_different_values(gold: str, answer: str) -> None:
    assert not GRADER.same(gold, answer)
    assert not GRADER.same(answer, gold)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("The final answer is \\boxed{\\frac{1}{2}}. And 3 more words.", "\\frac{1}{2}"),
        ("The answer is $18 per day.", "18"),
        ("The answer is 42, because 6 * 7 = 42.", "42"),
        ("The answer is 42 and I checked 3 times that the answer is final.", "42"),
        ("Therefore $x$ is\n\n$$x = \\frac{3}{4}$$", "x = \\frac{3}{4}"),
        ("So Janet earns **$18** every day.", "18"),
        ("There are 3 of them.\nIn all that makes 1,080 eggs.", "1,080"),
        ("There are 3 of them.\nThat is it.", ""),
        ("\\boxed{18", ""),
        ("The answer is 9 chickens and 10 rabbits.", "9 chickens and 10 rabbits"),
        ("\\boxed{2} and \\boxed{3}", "2 and 3"),
        ("<answer>1 2\n2 1</answer>", "1 2\n2 1"),
        ("First, \\boxed{5}. Correction: \\boxed{7", ""),
        ("The answer is 5. Or \\boxed{6}, rather. The answer is 7.", "6"),
        ("\\frac{14}{3}", "\\frac{14}{3}"),
        ("-\\dfrac{\\sqrt{2}}{2}", "-\\dfrac{\\sqrt{2}}{2}"),
        ("42\u3002", "42"),
        ("1.5e3", "1.5e3"),
        ("It weighs\n1.5e3", "1.5e3"),
        ("The answer is approximately 3.14.", "3.14"),
        ("Answer: about 3.14", "3.14"),
        ("The answer is 12 * 3 = 36 eggs.", "36"),
        ("12 * 3 = 36 eggs", "36"),
        ("The answer is 7 (since 3+4=7).", "7"),
        ("The answer is 7 (because 3+4=7).", "7"),
        ("The answer is 2024-01-05.", "2024-01-05"),
    ],
)
def test_extract(text: str, answer: str) -> None:
    assert GRADER.extract(text) == answer


def test_a_power_of_a_sum_is_multiplied_out_when_there_is_time() -> None:
    assert GRADER.same("(a+b)^{3}", "(b+a)^{2}(a+b)")


def test_what_takes_too_long_is_different_in_any_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(computing, "SECONDS", 0.5)
    power = "(a+b+c+d)^{99}"
    verdicts: list[bool] = []

    def grade() -> None:
        verdicts.append(GRADER.same(power, "(a+b+c-d)^{99}"))
        verdicts.append(GRADER.same("\\sqrt{18}", "3\\sqrt{2}"))  # in a process started again

    thread = threading.Thread(target=grade)
    thread.start()
    thread.join(60)
    assert verdicts == [False, True]


@pytest.mark.parametrize(
    "value", ["3 pi", "2 x", "7 and 9", "3 or 4", "5 mod 7", "x = 5", "2 \\pi"]
)
def test_tidy_leaves_what_is_no_unit(value: str) -> None:
    assert tidy(value) == value


@pytest.mark.parametrize(
    "bomb",
    [
        "9^{9^{9^9}}",
        "10^{100000000}",
        "((9!)!)!",
        "1000000!",
        "9^{8+9^9}",
        "(a+b+c)^{900}",
        "(" * 400 + "1" + ")" * 400,
    ],
)
def test_an_answer_that_would_compute_for_ages_is_different_at_once(bomb: str) -> None:
    start = time.perf_counter()
    assert not GRADER.same("7", bomb)
    assert GRADER.same(bomb, bomb)
    assert time.perf_counter() - start < 1


def test_threads_grade_like_the_main_thread() -> None:
    verdicts: list[bool] = []

    def grade() -> None:
        verdicts.extend([GRADER.same("\\sqrt{8}", "2\\sqrt{2}"), GRADER.same("\\sqrt{8}", "2.8")])

    thread = threading.Thread(target=grade)
    thread.start()
    thread.join()
    assert verdicts == [True, False]


def test_without_math_verify_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "math_verify", None)
    assert GRADER.same("1,080", "1080")
    with pytest.raises(ValueError, match=r"pip install 'probexit\[record\]'"):
        GRADER.same("\\sqrt{7}", "2.6457513")


def test_importing_the_grader_loads_no_math_verify() -> None:
    code = (
        "import sys, probexit.experiments.recording.grading.latex;"
        "import probexit.experiments.recording.tasks.jsonl;"
        "sys.exit(any(m in sys.modules for m in ('math_verify', 'sympy', 'datasets')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

import subprocess
import sys
import threading
import time

import pytest

from probexit.experiments.recording.grading import latex
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
    ],
)
def test_extract(text: str, answer: str) -> None:
    assert GRADER.extract(text) == answer


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


def test_threads_grade_like_the_main_thread(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("math_verify.parser.TIMEOUT_WARNING_SHOWN", False)
    latex._math_verify.cache_clear()
    latex._parsed.cache_clear()
    latex._same.cache_clear()
    verdicts: list[bool] = []

    def grade() -> None:
        verdicts.extend([GRADER.same("\\frac{3}{8}", "0.375"), GRADER.same("\\frac{3}{8}", "0.38")])

    thread = threading.Thread(target=grade)
    thread.start()
    thread.join()
    assert verdicts == [True, False]
    assert not caplog.records


def test_the_time_limit_is_kept_by_the_main_thread_alone() -> None:
    assert latex._seconds() == latex.SECONDS
    seen: list[int | None] = []
    thread = threading.Thread(target=lambda: seen.append(latex._seconds()))
    thread.start()
    thread.join()
    assert seen == [None]


def test_without_math_verify_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "math_verify", None)
    latex._math_verify.cache_clear()
    latex._parsed.cache_clear()
    assert GRADER.same("1,080", "1080")
    with pytest.raises(ValueError, match=r"pip install 'probexit\[record\]'"):
        GRADER.same("\\frac{5}{7}", "0.7142857")


def test_importing_the_grader_loads_no_math_verify() -> None:
    code = (
        "import sys, probexit.experiments.recording.grading.latex;"
        "import probexit.experiments.recording.tasks.jsonl;"
        "sys.exit(any(m in sys.modules for m in ('math_verify', 'sympy', 'datasets')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

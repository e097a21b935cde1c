from collections.abc import Callable
from pathlib import Path

import pytest

from probexit.experiments.recording.tasks.jsonl import Jsonl

CHOICE = {"question": "Wet?", "choices": ["fire", "lake"], "answer": "lake"}


def test_the_question_is_asked_as_it_stands(excerpts: Path) -> None:
    items = list(Jsonl(excerpts / "jsonl.jsonl").items())
    assert items[0].question == "What is one half as a decimal?"
    assert (items[0].id, items[0].gold) == ("half", "0.5")
    assert items[1].id.startswith("jsonl-")


@pytest.mark.parametrize(
    ("answers", "answer", "other", "same"),
    [
        (["0.5", "7"], "\\frac{1}{2}", "0.5", True),
        (["fox", "7"], "\\frac{1}{2}", "0.5", False),
        (["fox", "owl"], "Fox", "fox.", True),
    ],
)
def test_the_answers_decide_the_grader(
    lines: Callable[..., Path], answers: list[str], answer: str, other: str, same: bool
) -> None:
    task = Jsonl(lines(*({"question": f"Q{a}", "answer": a} for a in answers)))
    assert task.same(answer, other) == same


def test_lines_with_choices_are_graded_by_letter(lines: Callable[..., Path]) -> None:
    task = Jsonl(lines(CHOICE))
    item = next(task.items())
    assert (item.gold, task.extract("The answer is (B), a lake.")) == ("B", "B")
    assert item.question.startswith("Wet?\n\nA. fire\nB. lake\n")


def test_the_variant_overrules_the_guess(lines: Callable[..., Path]) -> None:
    path = lines({"question": "Q", "answer": "0.5"})
    assert Jsonl(path).same("1/2", "0.5")
    assert not Jsonl(path, variant="exact").same("1/2", "0.5")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ('{"question": "Why?", "answer": }', "not JSON: Expecting value at column 32"),
        ("why", "not JSON"),
        ({"question": "Why?"}, r"no 'answer' field \(it has question\)"),
        ({"answer": "7"}, "no 'question' field"),
        ({"question": "Why?", "answer": ["7"]}, "'answer' is .*not text or a number"),
        ({"question": " ", "answer": "7"}, "'question' is empty"),
        ({"question": "Q", "answer": "8"}, "the id .* already given by .*:1"),
        (CHOICE, "'choices' in this line, but the first line has none"),
    ],
)
def test_a_malformed_line_is_named(row: object, message: str, lines: Callable[..., Path]) -> None:
    path = lines({"question": "Q", "answer": "7"}, row)
    with pytest.raises(ValueError, match=rf"rows\.jsonl:2: .*{message}"):
        Jsonl(path).items()


def test_a_duplicate_id_is_named(lines: Callable[..., Path]) -> None:
    rows = [{"id": 3, "question": question, "answer": "7"} for question in ("Why?", "Who?")]
    with pytest.raises(ValueError, match=r"rows\.jsonl:2: the id '3' was already given by .*:1"):
        Jsonl(lines(*rows)).items()


def test_without_a_file() -> None:
    with pytest.raises(ValueError, match=r"jsonl reads a file of your own: pass --data FILE"):
        Jsonl().items()

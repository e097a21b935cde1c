import json
from collections.abc import Callable
from pathlib import Path

import pytest

from probexit.experiments.recording.tasks.multiple_choice import MultipleChoice

INNER = {
    "stem": "Which is wet?",
    "choices": [{"label": "1", "text": "fire"}, {"label": "2", "text": "Sam's lake"}],
}
ASKED = "Which is wet?\n\nA. fire\nB. Sam's lake\n\nPut the letter of the right choice"


def test_the_authors_file(excerpts: Path) -> None:
    first = next(MultipleChoice(excerpts / "multiple_choice.jsonl").items())
    assert first.id == "1afa02df02c908a558b4036e80242fac"
    assert first.gold == "A"
    assert "security measure at a what?\n\nA. bank\nB. library\nC. department" in first.question


def test_choices_inside_the_problem(excerpts: Path) -> None:
    items = list(MultipleChoice(excerpts / "arc_flat.jsonl").items())
    assert (len(items), items[0].id, items[0].gold) == (20, "arc-challenge_0", "C")
    assert items[0].question.count("\nC. Planetary days will become shorter.") == 1


@pytest.mark.parametrize(
    "row",
    [
        {"id": "q", "question": INNER, "answerKey": "2"},
        {"id": "q", "question": str(INNER), "answerKey": "2"},
        {"id": "q", "question": json.dumps({**INNER, "note": None}), "answerKey": "2"},
        {
            "id": "q",
            "question": "Which is wet?",
            "choices": {"label": ["A", "B"], "text": ["fire", "Sam's lake"]},
            "answerKey": "B",
        },
        {"id": "q", "question": "Which is wet?", "choices": ["fire", "Sam's lake"], "answer": "B"},
    ],
)
def test_every_layout_gives_the_same_problem(row: object, lines: Callable[..., Path]) -> None:
    item = next(MultipleChoice(lines(row)).items())
    assert (item.id, item.gold) == ("q", "B")
    assert item.question.startswith(ASKED)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"question": "{'stem': ", "answerKey": "A"}, "is no readable object"),
        ({"question": {**INNER, "choices": None}, "answerKey": "1"}, "no 'choices' or 'options'"),
        ({"question": INNER, "answerKey": "3"}, "'3' is none of the choices 1, 2"),
        ({"question": INNER}, "no 'answerKey' or 'answer' field"),
        ({"problem": "Wet?\n\nA. fire\nB. lake", "answer": "D"}, "no line for the answer 'D'"),
    ],
)
def test_a_malformed_line_is_named(row: object, message: str, lines: Callable[..., Path]) -> None:
    with pytest.raises(ValueError, match=rf"rows\.jsonl:2: .*{message}"):
        MultipleChoice(lines({"question": INNER, "answerKey": "1"}, row)).items()


def test_the_variant_chooses_the_data_set() -> None:
    assert MultipleChoice().hub() == MultipleChoice(variant="commonsense_qa").hub()
    assert MultipleChoice(variant="arc_easy").hub().config == "ARC-Easy"

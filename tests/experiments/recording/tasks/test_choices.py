import pytest

from probexit.experiments.recording.tasks.choices import choices_of
from probexit.experiments.recording.tasks.source import SourceRow

ROW = SourceRow("f:3", {})


@pytest.mark.parametrize(
    "value",
    [
        ["bank", "mall"],
        [{"label": "A", "text": "bank"}, {"label": "B", "text": "mall"}],
        [{"label": "1", "text": "bank"}, {"label": "2", "text": "mall"}],
        {"label": ["A", "B"], "text": ["bank", "mall"]},
    ],
)
def test_every_layout_is_asked_alike(value: object) -> None:
    choices = choices_of(value, ROW)
    assert choices.asked("Where?").startswith("Where?\n\nA. bank\nB. mall\n\n")
    assert choices.letter("mall", ROW) == choices.letter(choices.labels[1], ROW) == "B"


@pytest.mark.parametrize(
    "value",
    [
        "bank, mall",
        [],
        ["bank"],
        ["x"] * 11,
        ["bank", 3],
        [{"label": "A", "text": "bank"}, {"label": "B"}],
        [{"label": "A", "text": "bank"}, "mall"],
        {"label": ["A", "B"], "text": ["bank"]},
        {"A": "bank", "B": "mall"},
    ],
)
def test_anything_else_is_named(value: object) -> None:
    with pytest.raises(ValueError, match=r"^f:3: 'choices' must be a list of 2 to 10 texts"):
        choices_of(value, ROW)


@pytest.mark.parametrize("answer", ["C", "b", "twice", "al"])
def test_an_answer_that_names_no_single_choice(answer: str) -> None:
    choices = choices_of({"label": ["A", "B"], "text": ["twice", "twice"]}, ROW)
    with pytest.raises(ValueError, match=r"^f:3: answer .* is none of the choices A, B"):
        choices.letter(answer, ROW)

"""Tables fit the terminal, and every cell is there."""

import pytest

from probexit.exits.terminal import WIDE, table, width

HEAD = ["rule", "accuracy\n%"]
ROWS = [["fixed budget, certified", "83.8 [80.6, 86.6]"], None, ["[bold]full[/bold]", "88.9"]]


@pytest.mark.parametrize("columns", [30, 40, 120])
def test_it_fits_and_no_word_is_lost(columns: int) -> None:
    text = table(HEAD, ROWS, columns=columns)
    assert max(map(len, text.splitlines())) <= columns
    assert {"budget,", "[80.6,", "86.6]", "accuracy"} <= set(text.split())


def test_what_looks_like_markup_is_text() -> None:
    assert "[bold]full[/bold]" in table(HEAD, ROWS, columns=120)


def test_numbers_are_set_right() -> None:
    lines = table(["a", "b"], [["x", "1"], ["y", "1,000"]], columns=120).splitlines()
    assert [line.index("1") for line in lines[2:]] == [7, 3]


def test_the_width_is_that_of_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "57")
    assert width() == 57
    monkeypatch.delenv("COLUMNS")
    monkeypatch.setattr("sys.__stdout__", None)
    assert width() == WIDE

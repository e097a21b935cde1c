from collections.abc import Callable
from pathlib import Path

import pytest

from probexit.experiments.recording.tasks.math500 import Math500


def test_fields(excerpts: Path) -> None:
    first, *_ = items = list(Math500(excerpts / "math500.jsonl").items())
    assert first.id == "test/precalculus/807.json"
    assert first.gold == r"\left( 3, \frac{\pi}{2} \right)"
    assert len(items) == 27


def test_the_solutions_of_the_authors_are_graded_right(excerpts: Path) -> None:
    task = Math500(excerpts / "math500.jsonl")
    for row, item in zip(task.rows(), task.items(), strict=True):
        found = task.extract(row.text("solution"))
        assert task.same(item.gold, found), (item.gold, found)


def test_rows_without_an_answer_are_left_out_with_a_warning(lines: Callable[..., Path]) -> None:
    path = lines(
        {"problem": "1 + 1?", "answer": "2"},
        {"problem": "See the figure.", "answer": ""},
        {"problem": "See the other figure.", "answer": None},
    )
    with pytest.warns(UserWarning, match=r"rows\.jsonl:2: no answer; 2 such left out"):
        items = list(Math500(path).items())
    assert [item.gold for item in items] == ["2"]
    assert items[0].id.startswith("math-")

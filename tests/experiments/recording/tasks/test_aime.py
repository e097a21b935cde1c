from collections.abc import Callable
from pathlib import Path

import pytest

from probexit.experiments.recording.tasks.aime import Aime


def test_every_layout_and_the_leading_zeros_of_the_answer_sheet(excerpts: Path) -> None:
    items = list(Aime(excerpts / "aime.jsonl").items())
    assert [item.gold for item in items] == ["24", "30", "210", "90", "7"]
    assert [item.id for item in items if not item.id.startswith("aime-")] == [
        "60",
        "61",
        "2024-II-4",
        "0",
    ]


@pytest.mark.parametrize("answer", ["1000", "-3", "1/2", "none", "2.5"])
def test_an_answer_out_of_range_is_named(lines: Callable[..., Path], answer: str) -> None:
    with pytest.raises(ValueError, match=r"rows\.jsonl:1: 'answer' is .*integer from 0 to 999"):
        Aime(lines({"problem": "What?", "answer": answer})).items()


def test_zero_is_an_answer(lines: Callable[..., Path]) -> None:
    assert next(Aime(lines({"problem": "What?", "answer": "000"})).items()).gold == "0"


def test_the_year_chooses_the_data_set() -> None:
    paths = [Aime(variant=year).hub().path for year in ("", "2024", "2025")]
    assert paths[0] == paths[1] != paths[2]

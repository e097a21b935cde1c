"""Votes by hand."""

from typing import Any

import pytest
import torch

from probexit.exits.signals.votes import Votes


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("7", "8", "7 ", "8", "7"), [1, 1, 2, 2, 3]),  # not in a row, and spaces aside
        (("", "", "7", ""), [0, 0, 1, 0]),  # missing answers do not agree
        (("7", "77", "7"), [1, 1, 2]),  # a part of an answer is another answer
    ],
)
def test_votes_by_hand(given: tuple[str, ...], expected: list[int], answers: Any) -> None:
    assert Votes().scores(answers(given)).tolist() == expected


def test_the_first_to_reach_a_number_of_votes_is_the_leader(answers: Any) -> None:
    for _ in range(20):
        given = ["abc"[i] for i in torch.randint(0, 3, (12,)).tolist()]
        votes = Votes().scores(answers(given))
        said = given[: int((votes >= 3).int().argmax()) + 1]
        assert said.count(said[-1]) == 3
        assert all(said.count(other) < 3 for other in {*said} - {said[-1]})

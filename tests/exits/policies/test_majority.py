import pytest
import torch

from probexit.exits.policies.majority import Majority
from probexit.exits.replay import NO_EXIT, exit_table

EXAMPLES = {
    "the first vote is all there is": (4, [0.8], 0),
    "half is not most": (4, [0.1, 0.8, 0.1, 0.8], NO_EXIT),
    "three of four": (4, [0.1, 0.8, 0.1, 0.8, 0.9], 4),  # the last four: .8 .1 .8 .9
    "a tie with the threshold votes for leaving": (4, [0.1, 0.7, 0.7], 2),
    "old votes are forgotten": (2, [0.1, 0.1, 0.1, 0.8, 0.8], 4),
    "published: six of ten": (10, [0.1] * 4 + [0.9] * 6, 8),  # 5 of 9 are most already
    "five of ten are not": (10, [0.1] * 5 + [0.9] * 5, NO_EXIT),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_by_hand(name: str) -> None:
    window, scores, first = EXAMPLES[name]
    grid = torch.tensor([0.7], dtype=torch.float64)
    made = torch.tensor(scores, dtype=torch.float64)
    assert exit_table(Majority(window=window), [made], grid).item() == first


def test_each_row_votes_alone() -> None:
    histories = torch.tensor([[0.9, 0.9, 0.1], [0.1, 0.1, 0.9]])
    assert Majority(0.7).should_exit(histories).tolist() == [True, False]


def test_another_share() -> None:
    scores = torch.tensor([[0.9] * 7 + [0.1] * 3])
    assert not Majority(0.7, share=0.7).should_exit(scores)  # 7 of 10 are not more than .7
    assert Majority(0.7, share=0.69).should_exit(scores)


def test_what_is_no_number_is_no_vote() -> None:
    scores = torch.tensor([[torch.nan, 0.9]])
    assert not Majority(0.7).should_exit(scores)


@pytest.mark.parametrize(
    ("changes", "name"), [({"window": 0}, "window=0"), ({"share": 1.0}, "share=1")]
)
def test_impossible_votes_are_refused(changes: dict[str, float], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        Majority(**changes)

import pytest
import torch

from probexit.probes.splits import group_folds, group_holdout

GROUPS = torch.tensor([30, 10, 20, 10, 40, 50, 20, 60, 70, 30])  # seven problems


def test_folds_keep_problems_whole_and_share_them_out():
    folds = group_folds(GROUPS, 3)
    fold_of = {int(g): set(folds[g == GROUPS].tolist()) for g in GROUPS}
    assert all(len(found) == 1 for found in fold_of.values())
    sizes = sorted(sum(found == {k} for found in fold_of.values()) for k in range(3))
    assert sizes == [2, 2, 3]


def test_holdout_keeps_problems_whole():
    groups = torch.arange(50).repeat_interleave(4)
    held_out = group_holdout(groups, 0.2)
    assert set(groups[held_out].tolist()).isdisjoint(groups[~held_out].tolist())
    assert len(set(groups[held_out].tolist())) == 10


@pytest.mark.parametrize(("fraction", "held_out"), [(0.01, 1), (0.99, 1)])
def test_both_sides_get_a_problem(fraction, held_out):
    assert group_holdout(torch.tensor([1, 2]), fraction).sum() == held_out


@pytest.mark.parametrize("split", [lambda g: group_folds(g, 3), lambda g: group_holdout(g, 0.3)])
def test_split_depends_on_problems_and_seed_not_on_order(split):
    order = torch.tensor([9, 3, 1, 0, 2, 8, 7, 5, 4, 6])
    assert torch.equal(split(GROUPS[order]), split(GROUPS)[order])


def test_seed_changes_the_deal():
    groups = torch.arange(100)
    assert not torch.equal(group_folds(groups, 5, seed=0), group_folds(groups, 5, seed=1))


def test_too_few_problems_are_refused():
    with pytest.raises(ValueError, match="7 problems into 8"):
        group_folds(GROUPS, 8)
    with pytest.raises(ValueError, match="1 problems"):
        group_holdout(torch.zeros(5), 0.5)
    with pytest.raises(ValueError, match="fraction inside"):
        group_holdout(GROUPS, 1.0)

from functools import partial

import numpy as np
import pytest
from mapie.risk_control.fwer_control import control_fwer

from probexit.calibration.statistics.multiple_testing import (
    Bonferroni,
    FixedSequence,
    SplitFixedSequence,
)
from probexit.calibration.statistics.p_values import Binomial

TEST = partial(Binomial().of, alpha=0.2)


def constant(p):
    return lambda losses: np.asarray(p)


def test_fixed_sequence_stops_before_the_first_failure():
    p = constant([0.01, 0.05, 0.2, 0.01])
    assert FixedSequence().accepted(np.zeros((5, 4)), p, 0.1).tolist() == [True, True, False, False]


def test_bonferroni_needs_no_order():
    p = constant([0.2, 0.02, 0.03, 0.01])
    assert Bonferroni().accepted(np.zeros((5, 4)), p, 0.1).tolist() == [False, True, False, True]


@pytest.mark.parametrize(
    ("ours", "theirs"), [(FixedSequence(), "fixed_sequence"), (Bonferroni(), "bonferroni")]
)
def test_same_as_mapie(ours, theirs):
    rng = np.random.default_rng(0)
    for _ in range(200):
        p = rng.random(6) ** 4
        accepted = np.flatnonzero(ours.accepted(np.zeros((5, 6)), constant(p), 0.1))
        assert accepted.tolist() == control_fwer(p, 0.1, theirs).tolist()


def test_split_fixed_sequence_finds_a_dip_that_the_plain_order_misses():
    losses = np.zeros((100, 3))
    losses[::2, 0] = 1  # the strictest threshold is the bad one
    assert not FixedSequence().accepted(losses, TEST, 0.1).any()
    assert SplitFixedSequence().accepted(losses, TEST, 0.1).tolist() == [False, True, True]


def test_split_fixed_sequence_tests_on_rows_it_did_not_learn_from():
    losses = np.zeros((100, 1))
    losses[50:62] = 1  # 12 of 100 would pass, 12 of the 50 tested do not
    assert FixedSequence().accepted(losses, TEST, 0.1).all()
    assert not SplitFixedSequence(learn=0.5).accepted(losses, TEST, 0.1).any()


def test_split_fixed_sequence_accepts_nothing_when_there_is_nothing_to_split():
    assert not SplitFixedSequence().accepted(np.zeros((1, 3)), TEST, 0.1).any()


def test_a_share_outside_is_refused():
    with pytest.raises(ValueError, match="learn"):
        SplitFixedSequence(learn=1.0)

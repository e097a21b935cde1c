import random
from collections.abc import Sequence

import numpy as np
import pytest

from probexit.experiments.reasoner.grammar import problem
from probexit.experiments.reasoner.thoughts import ThoughtRun
from probexit.experiments.reasoner.training.behaviour import describe, interval, oracle_tokens
from probexit.experiments.reasoner.training.certified import leave, saving, threshold
from probexit.experiments.reasoner.training.forced import Case
from probexit.experiments.reasoner.training.scores import auroc, marker, place, run_length


def case(right: Sequence[bool], full: bool = True, step: int = 10) -> Case:
    """Make a case whose cues lie `step` tokens apart."""
    drawn = problem(random.Random(0))
    cues = tuple(step * (k + 1) - 1 for k in range(len(right)))
    thought = ThoughtRun(
        problem=drawn,
        prompt=[0] * 5,
        thinking=[0] * (step * (len(right) + 1)),
        cues=cues,
        words=("Wait",) * len(right),
        ended=True,
        answer=drawn.gold if full else "?",
    )
    return Case(thought, [drawn.gold if r else "no" for r in right], [0.5] * len(right))


def test_the_oracle_leaves_at_the_earliest_right_cue_of_solved_problems() -> None:
    assert oracle_tokens(case([False, True, True])) == 20
    assert oracle_tokens(case([False, True, True], full=False)) == 40
    assert oracle_tokens(case([False, False])) == 30


def test_run_length_counts_equal_answers() -> None:
    assert run_length(case([False, False, True, True, True, False])).tolist() == [1, 2, 1, 2, 3, 1]


def test_description_of_a_handful() -> None:
    found = describe([case([False, True]), case([True, True]), case([False, False], full=False)])
    assert found["accuracy"][0] == pytest.approx(2 / 3, abs=1e-4)
    assert found["forced_accuracy_by_cue"][:3] == pytest.approx([1 / 3, 2 / 3, 2 / 3], abs=1e-4)
    assert found["wrong_to_right"] == 0.5
    assert found["right_to_wrong"] == 0
    assert found["redundant_share"] == 0.5


def test_wilson_interval() -> None:
    share, low, high = interval([True] * 8 + [False] * 2)
    assert (share, low, high) == pytest.approx((0.8, 0.4902, 0.9433), abs=1e-3)


def test_leaving_at_the_first_crossing() -> None:
    three = case([False, True, True])
    assert leave(three, [0.1, 0.9, 0.9], 0.5) == (True, 20)
    assert leave(three, [0.6, 0.9, 0.9], 0.5) == (False, 10)
    assert leave(three, [0.1, 0.1, 0.1], 0.5) == (True, 40)


def test_a_perfect_score_is_certified_and_saves_all_the_oracle_saves() -> None:
    cases = [case([False] * (k % 3) + [True] * 3) for k in range(90)]
    found = saving(lambda c: c.right.astype(float), cases, cases, 0.05)
    assert found["share_of_oracle"] == 1
    assert found["lost"][0] == 0


def test_nothing_is_certified_where_every_exit_loses() -> None:
    cases = [case([False, False, False]) for _ in range(60)]
    assert threshold(cases, [[0.5, 0.6, 0.7]] * 60, 0.05) == np.inf


def test_too_few_problems_certify_nothing() -> None:
    cases = [case([True, True])] * 20
    assert threshold(cases, [[0.5, 0.6]] * 20, 0.05) == np.inf


def test_auroc_of_order_and_of_noise() -> None:
    cases = [case([False, True, True]), case([False, False, True])] * 20
    assert auroc(lambda c: c.right.astype(float), cases) == [1, 1, 1]
    assert auroc(lambda c: place(c)[:, 0], cases)[0] > 0.8
    assert auroc(marker(cases), cases)[0] == 0.5

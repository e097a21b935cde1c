import numpy as np
import pytest

from probexit.calibration.per_cue.base import CueRule
from probexit.calibration.per_cue.class_conditional import ClassConditional
from probexit.calibration.per_cue.unclamped_class_conditional import UnclampedClassConditional


@pytest.mark.parametrize(
    ("q_pos", "q_neg", "p", "exits"),
    [
        (0.3, 0.6, 0.75, True),
        (0.3, 0.6, 0.65, False),  # neither class fits: the empty set
        (0.6, 0.5, 0.45, False),  # both fit
        (0.6, 0.5, 0.55, True),
        (0.6, 0.5, 0.5, False),  # at equality unsafe still fits
        (0.25, 0.5, 0.75, True),  # at equality safe fits
    ],
)
def test_truth_table(q_pos, q_neg, p, exits):
    assert CueRule(q_pos, q_neg).exits(p) == exits


def test_threshold_is_the_same_rule():
    for rule in (CueRule(0.25, 0.5), CueRule(0.75, 0.5)):
        p = np.linspace(0, 1, 257)  # binary fractions, so both borders are hit exactly
        assert ((p >= rule.threshold) == rule.exits(p)).all()
    assert CueRule(0.25, 0.5).tau == 0.75
    assert CueRule(0.75, 0.5).tau == 0.5


def test_quantiles_by_hand():
    scores = [0.9, 0.8, 0.7, 0.6, 0.1, 0.2, 0.3]
    rule = ClassConditional(0.5).calibrate(scores, [1, 1, 1, 1, 0, 0, 0])
    assert rule.q_pos == pytest.approx(0.3)  # ceil(5 / 2) = 3rd smallest of .1 .2 .3 .4
    assert rule.q_neg == pytest.approx(0.2)  # ceil(4 / 2) = 2nd smallest of .1 .2 .3


def test_clamp_is_what_voids_the_promise_for_few_cues():
    scores, safe = [0.9, 0.1, 0.4], [True, False, False]
    assert ClassConditional(0.1).calibrate(scores, safe).q_neg == 0.4
    unclamped = UnclampedClassConditional(0.1).calibrate(scores, safe)
    assert unclamped.q_neg == np.inf
    assert not unclamped.exits(np.linspace(0, 1, 11)).any()


def cues(rng, problems):
    """Dependent cues: 12 per problem, whose scores share a part."""
    safe = rng.random((problems, 12)) < rng.beta(1, 3, size=(problems, 1))
    shared = rng.normal(0, 0.1, size=(problems, 1))
    scores = np.clip(rng.normal(np.where(safe, 0.65, 0.35) + shared, 0.12), 0, 1)
    return scores, safe


def test_per_cue_level_holds_but_problems_exit_wrongly_far_more_often():
    rng = np.random.default_rng(0)
    passed, wrong = [], []
    for _ in range(200):
        scores, safe = cues(rng, 400)
        rule = ClassConditional(0.1).calibrate(scores.ravel(), safe.ravel())
        scores, safe = cues(rng, 400)
        exits = rule.exits(scores)
        passed.append(exits[~safe].mean())
        first = exits.argmax(axis=1)
        wrong.append((exits.any(axis=1) & ~safe[np.arange(400), first]).mean())
    assert np.mean(passed) <= 0.1 + 3 * np.std(passed) / np.sqrt(200)
    assert np.mean(passed) > 0.08
    assert np.mean(wrong) > 0.2  # twice the level


def test_threshold_is_not_monotone_in_delta():
    scores, safe = cues(np.random.default_rng(1), 2000)
    tau = [
        ClassConditional(d).calibrate(scores.ravel(), safe.ravel()).tau for d in (0.02, 0.2, 0.6)
    ]
    assert tau[0] > tau[1] < tau[2]


def test_one_class_only():
    with pytest.raises(ValueError, match="one class"):
        ClassConditional().calibrate([0.2, 0.4], [True, True])
    never = UnclampedClassConditional().calibrate([0.2, 0.4], [True, True])
    assert not never.exits([0.0, 1.0]).any()
    always = UnclampedClassConditional(0.5).calibrate([0.2, 0.4], [False, False])
    assert always.q_pos == np.inf
    assert always.exits(0.5)


@pytest.mark.parametrize(
    ("scores", "safe", "message"),
    [([0.1, 0.2], [True], "one number per cue"), ([1.5, 0.2], [True, False], "probabilities")],
)
def test_bad_input(scores, safe, message):
    with pytest.raises(ValueError, match=message):
        ClassConditional().calibrate(scores, safe)

import numpy as np
import pytest

from probexit.calibration.drift import DriftAlarm


def watch(alarm, stream):
    """Index of the first alarm in the stream, None if it never rang."""
    return next((i for i, score in enumerate(stream) if alarm.update(score)), None)


def test_false_alarms_stay_below_the_level():
    rng = np.random.default_rng(0)
    rang = [
        watch(DriftAlarm(0.2, seed=i).fit(rng.random(50)), rng.random(200)) is not None
        for i in range(300)
    ]
    assert np.mean(rang) <= 0.2 + 3 * np.sqrt(0.2 * 0.8 / 300)


def test_ties_do_not_ring():
    """Coarse scores, as verifiers give them."""
    rng = np.random.default_rng(1)
    levels = np.array([0.8, 0.9, 0.95])
    rang = [
        watch(DriftAlarm(0.2, seed=i).fit(rng.choice(levels, 50)), rng.choice(levels, 200))
        for i in range(200)
    ]
    assert np.mean([r is not None for r in rang]) <= 0.2 + 3 * np.sqrt(0.2 * 0.8 / 200)


@pytest.mark.parametrize("shift", [0.25, -0.25])
def test_a_shift_rings_soon(shift):
    rng = np.random.default_rng(2)
    for seed in range(10):
        alarm = DriftAlarm(0.05, seed=seed).fit(rng.normal(0.5, 0.2, 300))
        first = watch(alarm, rng.normal(0.5 + shift, 0.2, 300))
        assert first is not None
        assert first < 150


def test_an_alarm_stays():
    alarm = DriftAlarm(0.05).fit(np.linspace(0, 1, 100))
    assert watch(alarm, [2.0] * 100) is not None
    watch_on = np.random.default_rng(0).random(50)
    assert all(alarm.update(score) for score in watch_on)
    assert alarm.wealth_ < 20  # the evidence has melted, the alarm has not


def test_scores_seen_join_the_reference():
    """A long stream like a tiny, odd reference does not ring: a fixed reference would."""
    rng = np.random.default_rng(3)
    alarm = DriftAlarm(0.05).fit(np.full(3, 0.9))
    assert watch(alarm, rng.random(3000)) is None or alarm.wealth_ < 1e6


@pytest.mark.parametrize("reference", [[], [np.nan], [[0.1]]])
def test_bad_reference(reference):
    with pytest.raises(ValueError, match="reference"):
        DriftAlarm().fit(reference)


def test_bad_use():
    with pytest.raises(ValueError, match="fit a reference"):
        DriftAlarm().update(0.5)
    with pytest.raises(ValueError, match="finite"):
        DriftAlarm().fit([0.5]).update(np.nan)
    with pytest.raises(ValueError, match="level"):
        DriftAlarm(level=1.0)

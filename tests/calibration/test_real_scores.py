"""On real verifier scores: what holds per event does not hold per trajectory.

A trajectory exits at its first step with a score at or above the threshold; that is false if the
trajectory never solved its problem. Data and licence: tests/data/scores/README.md.
"""

import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from probexit.calibration.learn_then_test import LearnThenTest
from probexit.calibration.per_cue.class_conditional import ClassConditional
from probexit.calibration.split_conformal import SplitConformal
from probexit.calibration.tolerance import Tolerance

DATA = Path(__file__).parents[1] / "data" / "scores"
GRID = np.linspace(1, 0, 401)
SPLITS, CALIBRATION = 40, 1000


@dataclass(frozen=True)
class Trajectories:
    scores: np.ndarray  # [n, steps], -1 after the end
    solved: np.ndarray  # [n]

    def losses(self, rows):
        exits = self.scores[rows].max(axis=1)[:, None] >= GRID
        return (exits & ~self.solved[rows, None]).astype(float)

    def cues(self, rows):
        there = self.scores[rows] >= 0
        return self.scores[rows][there], np.repeat(self.solved[rows], there.sum(axis=1))


def load(name):
    with gzip.open(DATA / f"evaluator_{name}.txt.gz", "rt") as lines:
        rows = [line.split() for line in lines if not line.startswith("#")]
    scores = np.full((len(rows), max(map(len, rows)) - 1), -1.0)
    for i, row in enumerate(rows):
        scores[i, : len(row) - 1] = [float(s) for s in row[1:]]
    return Trajectories(scores, np.array([row[0] == "1" for row in rows]))


@pytest.fixture(scope="module", params=["math", "gsm8k"])
def real(request):
    return load(request.param)


def splits(real):
    """Draws of calibration and test rows, both unsolved trajectories only, with all rows."""
    rng = np.random.default_rng(0)
    for _ in range(SPLITS):
        order = rng.permutation(len(real.solved))
        yield order[:CALIBRATION], order[CALIBRATION:]


def false_exits(real, calibrator):
    """Share of unsolved trajectories that exit, calibrated on unsolved ones: [splits]."""
    shares = []
    for calibration, test in splits(real):
        threshold = calibrator.select(real.losses(calibration[~real.solved[calibration]]), GRID)
        shares.append((real.scores[test[~real.solved[test]]].max(axis=1) >= threshold).mean())
    return np.array(shares)


def lynx(real, delta):
    """False exits of the per-cue rule: per event and per unsolved trajectory, each [splits]."""
    events, trajectories = [], []
    for calibration, test in splits(real):
        rule = ClassConditional(delta).calibrate(*real.cues(calibration))
        unsolved = real.scores[test[~real.solved[test]]]
        exits = rule.exits(unsolved)
        events.append(exits[unsolved >= 0].mean())
        trajectories.append(exits.any(axis=1).mean())
    return np.array(events), np.array(trajectories)


def standard_error(shares):
    return shares.std() / np.sqrt(len(shares))


@pytest.mark.parametrize("level", [0.05, 0.1, 0.2])
def test_events_trajectories_and_the_calibrators_that_hold(real, level):
    events, trajectories = lynx(real, level)
    conformal = false_exits(real, SplitConformal(level))
    certified = false_exits(real, LearnThenTest(level, 0.1))
    assert events.mean() <= level + 3 * standard_error(events)
    assert trajectories.mean() > 2 * events.mean()
    assert conformal.mean() <= level + 3 * standard_error(conformal)
    assert (certified > level).mean() <= 0.1 + 3 * np.sqrt(0.09 / SPLITS)
    assert certified.mean() <= conformal.mean()


@pytest.mark.parametrize("level", [0.05, 0.1, 0.2])
def test_lynx_loses_more_trajectories_than_its_level_on_math(level):
    events, trajectories = lynx(load("math"), level)
    assert events.mean() == pytest.approx(level, abs=0.01)
    assert trajectories.mean() > 2.5 * level  # measured: .165, .307, .535


def test_the_calibrators_are_not_vacuous():
    real = load("math")
    assert false_exits(real, SplitConformal(0.1)).mean() > 0.08
    assert false_exits(real, LearnThenTest(0.1)).mean() > 0.06


def test_ties_cost_power_but_not_validity():
    """GSM8K scores take 20 values: the level cannot be met from below, so nothing is certified."""
    real = load("gsm8k")
    assert false_exits(real, SplitConformal(0.1)).max() == 0
    assert 0.05 < false_exits(real, SplitConformal(0.2)).mean() < 0.2
    assert false_exits(real, Tolerance(0.2, 0.1)).max() < 0.2

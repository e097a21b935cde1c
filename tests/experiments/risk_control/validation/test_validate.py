from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch

from probexit.calibration.base import Array, Calibrator
from probexit.calibration.learn_then_test import LearnThenTest
from probexit.exits.policies.threshold import Threshold
from probexit.exits.replay import exit_table
from probexit.experiments.evaluation.figures.validation import draw
from probexit.experiments.risk_control.losses.lost_correct import LostCorrect
from probexit.experiments.risk_control.validation.rules import (
    Ints,
    PerCueCalibration,
    PerProblem,
    Pool,
)
from probexit.experiments.risk_control.validation.validate import rules_at, validate


@pytest.fixture(scope="module")
def pool() -> Pool:
    """Two thousand problems whose score is a noisy view of being right; long traces tempt more."""
    rng = np.random.default_rng(0)
    n, width = 2000, 20
    right = np.arange(width)[None] >= rng.integers(0, width, n)[:, None]
    scores = 1 / (1 + np.exp(-(rng.normal(size=(n, width)) + 2.2 * right - 1.1)))
    losses = np.c_[~right, np.zeros(n)].astype(float)
    saved = np.tile(np.arange(width, -1, -1.0), (n, 1))
    grid = np.linspace(0.999, 0.01, 300)
    bare = Pool(scores, right, losses, grid, np.zeros((n, 0)), saved, np.full(n, float(width)))
    rows = np.arange(n)
    table = np.stack([losses[rows, bare.first(rows, t)] for t in grid], 1)
    return Pool(scores, right, losses, grid, table, saved, bare.thinking)


@dataclass(frozen=True)
class Overconfident(Calibrator):
    """Broken on purpose: takes the laxest threshold whose observed loss is just under alpha."""

    alpha: float = 0.1
    promise: ClassVar[str] = "none"

    def select(self, losses: Array, grid: Array) -> float:
        below = losses.mean(0) <= self.alpha - 0.005
        return float(grid[np.flatnonzero(below)[-1]]) if below.any() else float("inf")


def over(pool: Pool, draws: list[Ints], calibrator: Calibrator) -> float:
    rule, everyone = PerProblem("", calibrator), np.arange(len(pool.scores))
    left = [pool.first(everyone, rule.threshold(pool, drawn)) for drawn in draws]
    return float(np.mean([pool.cue_losses[everyone, cue].mean() > 0.1 for cue in left]))


def test_a_broken_calibrator_is_found(pool: Pool) -> None:
    """Drawn without replacement (1,800 of 2,000), its broken promises show less."""
    rng = np.random.default_rng(1)
    without = [rng.permutation(2000)[:1800] for _ in range(100)]
    with_replacement = [rng.integers(2000, size=1800) for _ in range(100)]
    assert over(pool, without, Overconfident(0.1)) < 0.05
    assert over(pool, with_replacement, Overconfident(0.1)) > 0.1
    assert over(pool, with_replacement, LearnThenTest(0.1, 0.1)) <= 0.1 + 3 * (0.09 / 100) ** 0.5


def test_draws_are_with_replacement(pool: Pool) -> None:
    """More are drawn than there are; no draw is the pool itself, so risks differ."""
    (first, *_) = validate(pool, (0.1,), calibration=3000, splits=20)
    assert len(set(first.risks)) > 2


def test_learn_then_test_keeps_its_promise_and_the_per_cue_rule_does_not(pool: Pool) -> None:
    verdicts = {v.rule: v for v in validate(pool, (0.1,), calibration=300, splits=300)}
    slack = 3 * np.sqrt(0.1 * 0.9 / 300)
    assert verdicts["Learn-then-Test"].broken.estimate <= 0.1 + slack
    assert verdicts["split conformal"].mean_risk <= 0.1 + 0.01
    assert verdicts["LYNX per cue"].broken.estimate > 0.9
    assert verdicts["uncalibrated"].broken.estimate > 0.1 + slack


def test_it_is_not_kept_by_never_leaving(pool: Pool) -> None:
    verdicts = {v.rule: v for v in validate(pool, (0.1,), calibration=300, splits=20)}
    assert verdicts["Learn-then-Test"].saved.mean() > 0.02
    assert verdicts["Learn-then-Test"].mean_risk > 0.03


def test_the_pool_replays_first_crossings(make_traces) -> None:
    traces = make_traces(40, 3)
    scores = [t.cues.hidden[:, 0, 0].sigmoid() for t in traces]
    grid = np.linspace(0.9, 0.1, 9).astype(np.float32).astype(np.float64)
    loss = LostCorrect()
    made = Pool.of(
        traces,
        [s.double().numpy() for s in scores],
        [loss.at_cues(t).double().numpy() for t in traces],
        grid,
    )
    exits = exit_table(Threshold(), scores, torch.tensor(grid, dtype=torch.float32))
    assert (made.losses == loss.table(traces, exits)).all()


def test_an_empty_draw_is_refused(pool: Pool) -> None:
    with pytest.raises(ValueError, match="--calibration"):
        validate(pool, (0.1,), calibration=0)


def test_every_level_is_drawn(pool: Pool) -> None:
    figure = draw(validate(pool, (0.05, 0.2), calibration=200, splits=10))
    assert len(figure.axes) == 2
    assert {rule.name for rule in rules_at(0.1, 0.1)} >= {"Learn-then-Test", "LYNX per cue"}
    assert isinstance(rules_at(0.1, 0.1)[2], PerCueCalibration)

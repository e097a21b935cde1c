"""Re-draw the calibration set hundreds of times and count how often the promise is broken.

The pool stands for the population: calibration problems are drawn from it with replacement, so
that they are independent as the promise assumes, and its own risk is known without error. (Draws
without replacement resemble the pool the more, the larger they are, and hide broken promises.)
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from probexit.calibration.base import Array
from probexit.calibration.split_conformal import SplitConformal
from probexit.calibration.statistics.intervals import Interval, clopper_pearson
from probexit.calibration.uncalibrated import Uncalibrated
from probexit.exits.html import table
from probexit.experiments.risk_control.calibrators import make_calibrator
from probexit.experiments.risk_control.validation.rules import (
    CalibrationUnderTest,
    Ints,
    PerCueCalibration,
    PerProblem,
    Pool,
)

LEARN_THEN_TEST = "learn_then_test"


@dataclass(frozen=True)
class Verdict:
    """One calibration at one level, over all re-draws.

    Attributes:
        rule: Its name.
        alpha: The level.
        promises: What the level is about.
        risks: ``[splits]`` loss over the pool.
        broken: Share of re-draws whose risk over the pool exceeds alpha, with its exact 95 %
            interval: what delta bounds.
        saved: ``[splits]`` share of the pool's thinking tokens saved.
    """

    rule: str
    alpha: float
    promises: str
    risks: Array
    broken: Interval
    saved: Array

    @property
    def mean_risk(self) -> float:
        """Risk averaged over re-draws, which is what a marginal promise is about."""
        return float(self.risks.mean())


class Verdicts(list[Verdict]):
    """Verdicts that show themselves as a table in a notebook."""

    def _repr_html_(self) -> str:
        head = ["level", "calibration", "mean risk", "re-draws over the level", "saved"]
        rows = [
            [
                f"{v.alpha:.0%} of {v.promises}",
                v.rule,
                f"{v.mean_risk:.1%}",
                f"{v.broken:.1%}",
                f"{v.saved.mean():.1%}",
            ]
            for v in self
        ]
        return table(head, rows)


def rules_at(
    alpha: float, delta: float | None = None, calibrator: str = LEARN_THEN_TEST
) -> list[CalibrationUnderTest]:
    """Return the calibrations shown side by side at one level, the one asked about first."""
    title = "Learn-then-Test" if calibrator == LEARN_THEN_TEST else calibrator.replace("_", " ")
    return [
        PerProblem(title, make_calibrator(calibrator, alpha, delta)),
        PerProblem("split conformal", SplitConformal(alpha)),
        PerCueCalibration("LYNX per cue", alpha),
        PerProblem("uncalibrated", Uncalibrated(alpha)),
    ]


def validate(
    pool: Pool,
    alphas: Sequence[float],
    delta: float | None = None,
    calibration: int = 600,
    splits: int = 300,
    seed: int = 0,
    calibrator: str = LEARN_THEN_TEST,
) -> Verdicts:
    """Calibrate on problems drawn with replacement and judge on the pool they come from.

    Args:
        pool: Problems that the probe was not fitted on.
        alphas: Levels.
        delta: Chance that a certificate may fail; None is the usual one, where there is one.
        calibration: Problems in each calibration draw.
        splits: Number of draws.
        seed: Seed of the draws.
        calibrator: The calibrator that is asked about, by name.

    Raises:
        ValueError: if there is no re-draw, or no problem in one.
    """
    if calibration < 1 or splits < 1:
        raise ValueError(f"--calibration {calibration} and --splits {splits} must be at least 1")
    rng = np.random.default_rng(seed)
    draws = rng.integers(len(pool.scores), size=(splits, calibration))
    return Verdicts(
        _verdict(pool, rule, alpha, draws)
        for alpha in alphas
        for rule in rules_at(alpha, delta, calibrator)
    )


def _verdict(pool: Pool, rule: CalibrationUnderTest, alpha: float, draws: Ints) -> Verdict:
    everyone = np.arange(len(pool.scores))
    risks, saved = np.zeros(len(draws)), np.zeros(len(draws))
    for i, drawn in enumerate(draws):
        left = pool.first(everyone, rule.threshold(pool, drawn))
        risks[i] = pool.cue_losses[everyone, left].mean()
        saved[i] = pool.saved[everyone, left].sum() / pool.thinking.sum()
    broken = clopper_pearson(int((risks > alpha).sum()), len(draws))
    return Verdict(rule.name, alpha, rule.promises, risks, broken, saved)

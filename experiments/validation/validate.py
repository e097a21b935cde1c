"""Re-draw the calibration set hundreds of times and count how often the promise is broken."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from probexit.calibration.base import Array
from probexit.calibration.intervals import Interval, clopper_pearson
from probexit.calibration.learn_then_test import LearnThenTest
from probexit.calibration.split_conformal import SplitConformal
from probexit.calibration.uncalibrated import Uncalibrated
from probexit.exits.html import table
from probexit.experiments.validation.rules import Ints, PerCue, PerProblem, Pool, Rule


@dataclass(frozen=True)
class Verdict:
    """One calibration at one level, over all re-draws.

    Attributes:
        rule: Its name.
        alpha: The level.
        promises: What the level is about.
        risks: ``[splits]`` loss on the problems left for testing.
        broken: Share of re-draws whose test risk exceeds alpha, with its exact 95 % interval. A
            test set is finite, so a rule at exactly alpha exceeds it every other time.
        exceeds: Share of re-draws whose risk over the whole pool exceeds alpha. The pool is the
            population that is drawn from, so this is what delta bounds.
        saved: ``[splits]`` share of the thinking tokens saved on them.
    """

    rule: str
    alpha: float
    promises: str
    risks: Array
    broken: Interval
    exceeds: Interval
    saved: Array

    @property
    def mean_risk(self) -> float:
        """Risk averaged over re-draws: what a marginal promise is about."""
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


def rules_at(alpha: float, delta: float) -> list[Rule]:
    """Return the calibrations shown side by side at one level."""
    return [
        PerProblem("Learn-then-Test", LearnThenTest(alpha, delta)),
        PerProblem("split conformal", SplitConformal(alpha)),
        PerCue("LYNX per cue", alpha),
        PerProblem("uncalibrated", Uncalibrated(alpha)),
    ]


def validate(
    pool: Pool,
    alphas: Sequence[float],
    delta: float = 0.1,
    calibration: int = 600,
    splits: int = 300,
    seed: int = 0,
) -> Verdicts:
    """Calibrate on re-drawn problems and test on all the others.

    Args:
        pool: Problems that the probe was not fitted on.
        alphas: Levels.
        delta: Chance that a Learn-then-Test certificate may fail.
        calibration: Problems in each calibration draw.
        splits: Number of draws.
        seed: Of the draws.

    Raises:
        ValueError: if fewer than 100 problems would be left to test on.
    """
    n = len(pool.scores)
    if calibration > n - 100:
        raise ValueError(
            f"{n} problems cannot give {calibration} to calibrate and 100 to test: "
            "record more, or lower --calibration"
        )
    rng = np.random.default_rng(seed)
    draws = [rng.permutation(n) for _ in range(splits)]
    return Verdicts(
        _verdict(pool, rule, alpha, [(d[:calibration], d[calibration:]) for d in draws])
        for alpha in alphas
        for rule in rules_at(alpha, delta)
    )


def _verdict(pool: Pool, rule: Rule, alpha: float, draws: Sequence[tuple[Ints, Ints]]) -> Verdict:
    everyone = np.arange(len(pool.scores))
    risks, pooled, saved = (np.zeros(len(draws)) for _ in range(3))
    for i, (calibrate, test) in enumerate(draws):
        left = pool.first(everyone, rule.threshold(pool, calibrate))
        lost, spared = pool.cue_losses[everyone, left], pool.saved[everyone, left]
        risks[i], pooled[i] = lost[test].mean(), lost.mean()
        saved[i] = spared[test].sum() / pool.thinking[test].sum()
    broken, exceeds = (
        clopper_pearson(int((seen > alpha).sum()), len(draws)) for seen in (risks, pooled)
    )
    return Verdict(rule.name, alpha, rule.promises, risks, broken, exceeds, saved)

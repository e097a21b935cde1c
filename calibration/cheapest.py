"""The cheapest certified rule among several: signals, or pairs of thresholds, multiplicity paid.

Picking the best of K certified rules on the same problems is safe only if each was certified at a
K-th of the error: Bonferroni over policies (LearnStop, arXiv 2606.30852, and
arXiv 2110.01052). Within a policy the calibrator's own procedure runs over the thresholds. Rules
with two thresholds enter as one policy for each value of the second.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf

import numpy as np

from probexit.calibration.base import Array, Calibrator, checked
from probexit.calibration.learn_then_test import LearnThenTest


@dataclass(frozen=True)
class PolicyTable:
    """One policy replayed on every problem at every threshold.

    Attributes:
        losses: ``[n, m]``, strict to lax.
        costs: ``[n, m]`` what it cost, say tokens including those spent on probing.
        grid: ``[m]`` thresholds.
    """

    losses: Array
    costs: Array
    grid: Array

    def __post_init__(self) -> None:
        checked(self.losses, self.grid)
        if np.shape(self.costs) != np.shape(self.losses):
            raise ValueError(
                f"costs {np.shape(self.costs)} must match losses {np.shape(self.losses)}"
            )


@dataclass(frozen=True)
class Choice:
    """The policy chosen, its threshold and its average cost on the calibration problems."""

    policy: str
    threshold: float
    cost: float


@dataclass(frozen=True)
class Cheapest:
    """Certify every policy at its share of the error and take the one that costs least.

    Attributes:
        calibrator: Certifies each policy.
    """

    calibrator: Calibrator = field(default_factory=LearnThenTest)

    def choose(self, policies: Mapping[str, PolicyTable]) -> Choice | None:
        """Return the cheapest certified policy, None when there is none: think on.

        The promise of the calibrator then holds for the choice, at its own level, though the costs
        were compared on the same problems.

        Raises:
            ValueError: without policies, or as the calibrator does.
        """
        if not policies:
            raise ValueError("give at least one policy")
        share = self.calibrator.one_of(len(policies))
        certified = [c for name, t in policies.items() if (c := _certified(share, name, t))]
        return min(certified, key=lambda choice: choice.cost, default=None)


def _certified(calibrator: Calibrator, name: str, table: PolicyTable) -> Choice | None:
    threshold = calibrator.select(table.losses, table.grid)
    if threshold == inf:
        return None
    column = int(np.argmax(np.asarray(table.grid) == threshold))
    return Choice(name, threshold, float(np.mean(np.asarray(table.costs)[:, column])))

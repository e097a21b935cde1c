"""A threshold for each group of problems, so that no group pays for another's ease.

Mondrian conformal prediction (Vovk, Gammerman and Shafer 2005, section 4.5; Vovk,
arXiv 1209.2673), around any calibrator.
"""

from collections.abc import Hashable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from probexit.calibration.base import Array, Calibrator
from probexit.calibration.certificate import Certificate, certify
from probexit.calibration.learn_then_test import LearnThenTest


@dataclass(frozen=True)
class Mondrian:
    """Calibrate each group on its own problems, the error split so that all promises hold at once.

    Not a :class:`.Calibrator`: it needs the groups and returns a threshold for each. A group must
    be known before the thinking starts (task, length of the prompt), not read off the trace. A
    group never seen has no threshold; treat it as "never exit".

    Attributes:
        calibrator: The rule used inside each group.
    """

    calibrator: Calibrator = field(default_factory=LearnThenTest)

    def certify(self, losses: Array, grid: Array, groups: ArrayLike) -> dict[Hashable, Certificate]:
        """Return a certificate for each group.

        Args:
            losses: ``[n, m]`` loss of each problem at each threshold, strict to lax.
            grid: ``[m]`` the thresholds.
            groups: ``[n]`` the group of each problem.

        Raises:
            ValueError: when there is not one group per problem, and as the calibrator does.
        """
        labels = np.asarray(groups)
        if labels.shape != (len(losses),):
            raise ValueError(f"groups {labels.shape} must be one label for each of {len(losses)}")
        names = np.unique(labels)
        inside = self.calibrator.together(len(names))
        return {name.item(): certify(inside, losses[labels == name], grid) for name in names}

    def select(self, losses: Array, grid: Array, groups: ArrayLike) -> dict[Hashable, float]:
        """Return the threshold of each group; arguments as :meth:`certify`."""
        found = self.certify(losses, grid, groups)
        return {name: certificate.threshold for name, certificate in found.items()}

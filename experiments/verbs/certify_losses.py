"""A threshold for losses of one's own, wherever they come from."""

import numpy as np
from numpy.typing import ArrayLike

from probexit.calibration.certificate import Certificate
from probexit.calibration.certificate import certify as certify_table
from probexit.calibration.learn_then_test import LearnThenTest


def certify_losses(
    losses: ArrayLike, grid: ArrayLike, alpha: float = 0.05, delta: float = 0.1
) -> Certificate:
    """Return the laxest threshold at which the expected loss is at most ``alpha``, and the promise.

    Args:
        losses: ``[n, m]`` in {0, 1}: what each of ``n`` problems loses at each threshold.
        grid: ``[m]`` thresholds, strict to lax (strictly falling), chosen without these problems.
        alpha: The risk that must not be exceeded.
        delta: Chance, over the draw of the problems, that it is.

    Raises:
        ValueError: on losses that are not 0 or 1, a shape mismatch, or a grid that does not fall.
    """
    table, thresholds = np.asarray(losses, np.float64), np.asarray(grid, np.float64)
    return certify_table(LearnThenTest(alpha=alpha, delta=delta), table, thresholds)

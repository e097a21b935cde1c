"""The contract of a calibrator: from a table of losses to one threshold."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.floating[Any]]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Calibrator(ABC):
    """A rule that picks the laxest threshold whose risk is still controlled.

    The unit is the **problem**: row ``i`` of a loss table is what the rule *as deployed* loses on
    problem ``i`` at each threshold of the grid. Losses lie in [0, 1]. Columns run from the
    strictest threshold (exits least) to the laxest. The rule exits when ``score >= threshold``, so
    ``inf`` means "never exit"; it is the answer whenever nothing can be certified.

    Attributes:
        alpha: The risk that must not be exceeded.
        promise: What is guaranteed and under which assumption, in words; fields of the calibrator
            may stand in braces.
    """

    promise: ClassVar[str]
    alpha: float = 0.05

    def __post_init__(self) -> None:
        require_level(alpha=self.alpha)

    @abstractmethod
    def select(self, losses: Array, grid: Array) -> float:
        """Return one of ``grid [m]``, or ``inf``, from ``losses [n, m]``.

        The grid must not depend on these losses or their scores.

        Raises:
            ValueError: on losses outside [0, 1], a shape mismatch, or a grid that is not strict to
                lax (strictly decreasing). A level outside (0, 1) is refused at construction.
        """

    def one_of(self, k: int) -> Self:
        """Return the calibrator for each of ``k`` tables when the best of the answers is used.

        A union bound: whichever is used, the ``k`` risks together stay within the level.
        """
        return replace(self, alpha=self.alpha / k)

    def together(self, k: int) -> Self:
        """Return the calibrator for each of ``k`` tables whose promises shall hold at once.

        A promise on average holds for each table on its own, so there is nothing to split.
        """
        return self


@dataclass(frozen=True)
class ConfidentCalibrator(Calibrator):
    """A calibrator whose promise holds with confidence, not only on average.

    Attributes:
        delta: Chance, over the draw of the calibration problems, that the promise fails.
    """

    delta: float = 0.1

    def __post_init__(self) -> None:
        require_level(alpha=self.alpha, delta=self.delta)

    def one_of(self, k: int) -> Self:
        return replace(self, delta=self.delta / k)

    def together(self, k: int) -> Self:
        return self.one_of(k)


def require_level(**levels: float) -> None:
    """Refuse levels outside (0, 1).

    Raises:
        ValueError: naming the first level that is not inside.
    """
    for name, value in levels.items():
        if not 0 < value < 1:
            raise ValueError(f"{name} must lie strictly between 0 and 1, got {value!r}")


def checked(losses: ArrayLike, grid: ArrayLike) -> tuple[Array, Array]:
    """Return ``losses [n, m]`` and ``grid [m]`` as float64 after checking the contract.

    Raises:
        ValueError: on no problem or threshold, losses outside [0, 1], or a grid that does not fall.
    """
    table, thresholds = np.asarray(losses, dtype=np.float64), np.asarray(grid, dtype=np.float64)
    if table.ndim != 2 or thresholds.ndim != 1 or table.shape[1] != thresholds.size:
        raise ValueError(f"losses {table.shape} must be [n, m] for a grid [m], {thresholds.shape}")
    if table.size == 0:
        raise ValueError(f"losses {table.shape}: give at least one problem and one threshold")
    if not (np.diff(thresholds) < 0).all() or np.isnan(thresholds).any():
        raise ValueError("the grid must run from strict to lax: strictly decreasing thresholds")
    if not ((table >= 0) & (table <= 1)).all():
        raise ValueError("losses must be numbers in [0, 1]; rescale them")
    return table, thresholds


def require_binary(losses: Array, remedy: str) -> None:
    """Refuse losses other than 0 and 1.

    Raises:
        ValueError: with the ``remedy``, which completes "use ...".
    """
    if not ((losses == 0) | (losses == 1)).all():
        raise ValueError(
            f"this calibrator needs losses of 0 or 1; for losses between, use {remedy}"
        )


def laxest(grid: Array, allowed: Bools) -> float:
    """Return the laxest value of ``grid [m]`` that is ``allowed [m]``, ``inf`` if none is."""
    chosen = np.flatnonzero(allowed)
    return float(grid[chosen[-1]]) if chosen.size else float("inf")


def monotonised(losses: Array) -> Array:
    """Return ``[n, m]`` the most a problem loses at a threshold or any stricter one.

    It bounds the loss from above and rises from strict to lax, as first-crossing losses do not.
    """
    return np.asarray(np.maximum.accumulate(losses, axis=1), dtype=np.float64)

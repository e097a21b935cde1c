"""MAPIE's own Learn-then-Test controller on a loss table, for users who know MAPIE.

``BinaryClassificationController`` (mapie.readthedocs.io) thresholds one score per item; a
first-crossing loss enters through its path for general parameters, with the loss as "prediction".
Of its traps, this adapter avoids: conditional risks such as precision give NaN p-values that stop
Holm at once (the risk here is unconditional); a controller cannot be pickled (only the threshold
leaves this function); "nothing valid" is a warning and None there, and ``inf`` here.
"""

import warnings
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from mapie.risk_control import BinaryClassificationController, BinaryRisk
from numpy.typing import NDArray

from probexit.calibration.base import Array, ConfidentCalibrator, checked, require_binary


@dataclass(frozen=True)
class MapieRiskControl(ConfidentCalibrator):
    """Hand the table to MAPIE and take the laxest of its valid thresholds.

    Attributes:
        fwer_method: MAPIE's multiple testing; it offers no fixed sequence for general parameters.
    """

    promise: ClassVar[str] = (
        "With confidence {confidence:.0%} over the draw of the calibration problems, the expected "
        "loss of a new problem is at most {alpha:g} (MAPIE, {fwer_method}). Assumes independent "
        "draws from one distribution, under one decoding policy."
    )
    fwer_method: Literal["bonferroni", "bonferroni_holm"] = "bonferroni_holm"

    def select(self, losses: Array, grid: Array) -> float:
        table, thresholds = checked(losses, grid)
        require_binary(table, "LearnThenTest(p_value=HoeffdingBentkus())")
        controller = BinaryClassificationController(
            predict_function=_Replay(table, thresholds),
            risk=LOSS,
            target_level=float(self.alpha),
            confidence_level=1 - self.delta,
            best_predict_param_choice=LOSS,
            list_predict_params=thresholds[:, None],
            fwer_method=self.fwer_method,
        )
        with warnings.catch_warnings():
            # "no valid parameter" is an answer here: inf
            warnings.simplefilter("ignore", UserWarning)
            controller.calibrate(np.arange(len(table)), np.zeros(len(table), dtype=int))
        valid = np.asarray(controller.valid_predict_params, dtype=np.float64)
        return float(valid.min()) if valid.size else float("inf")


@dataclass(frozen=True)
class _Replay:
    """Look up the recorded loss of problems at a threshold, in the shape of a classifier."""

    losses: Array
    grid: Array

    def __call__(self, problems: NDArray[np.int_], threshold: float) -> NDArray[np.int_]:
        column = self.losses[problems, np.argmax(self.grid == threshold)]
        return np.asarray(column, dtype=np.int_)


def _lost(y_true: NDArray[Any], y_pred: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(y_pred == 1)


def _always(y_true: NDArray[Any], y_pred: NDArray[Any]) -> NDArray[Any]:
    return np.ones(len(y_pred), dtype=np.bool_)


LOSS = BinaryRisk(risk_occurrence=_lost, risk_condition=_always, higher_is_better=False)

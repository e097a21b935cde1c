"""Certify a rule's threshold on roll-outs: where layer exits and calibration meet."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from probexit.calibration.base import Calibrator
from probexit.calibration.certificate import Certificate, certify
from probexit.exits.depth.controller import DepthController
from probexit.exits.depth.losses import AnswerDiffers
from probexit.exits.depth.rollouts import Writing, roll_out
from probexit.experiments.depth.bench import Bench


def calibrate(
    bench: Bench,
    controller: DepthController,
    thresholds: Sequence[float],
    prompts: Sequence[Sequence[int]],
    calibrator: Calibrator,
    batch: int = 1,
) -> tuple[DepthController, Certificate]:
    """Certify "the answer is not the full model's" on roll-outs at each threshold.

    Args:
        bench: Model and task.
        controller: As it will be deployed.
        thresholds: Falling, chosen without the calibration problems.
        prompts: Of the calibration problems.
        calibrator: Which guarantee.
        batch: Prompts at once, for modes that can.

    Returns:
        The controller at the certified threshold (infinity if none is), and the certificate.
    """
    writing = Writing(bench.max_new_tokens, batch)
    made = roll_out(bench.reasoner.model, controller, prompts, thresholds, writing)
    losses = made.losses(AnswerDiffers(lambda _, tokens: bench.answer(tokens)))
    certificate = certify(calibrator, losses.numpy(), np.asarray(thresholds, dtype=np.float64))
    promise: dict[str, Any] = {k: _plain(v) for k, v in asdict(certificate).items()}
    at = controller.with_threshold(certificate.threshold)
    details = promise | {"loss": "answer differs", "max_new_tokens": bench.max_new_tokens}
    return DepthController(at.rule, at.mode, at.model, details), certificate


def _plain(value: Any) -> Any:
    """Infinity is no JSON number."""
    return str(value) if value == float("inf") else value

"""Certify a rule's threshold on roll-outs: where layer exits and calibration meet."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from tqdm.auto import tqdm

from probexit.calibration.certificate import Certificate, certify
from probexit.calibration.learn_then_test import LearnThenTest
from probexit.calibration.statistics.multiple_testing import FixedSequence
from probexit.exits.depth.controller import DepthController
from probexit.exits.depth.tuning.losses import TextLoss
from probexit.exits.depth.tuning.rollouts import Reference, Writing, roll_out
from probexit.experiments.depth.bench import DepthBench

AT_ONCE = 64


@dataclass(frozen=True)
class Demand:
    """What is to be promised.

    Attributes:
        loss: What a text that differs from the full model's loses.
        calibrator: Tests in fixed sequence: thresholds after the first failure do not matter, and
            no text is written for them.
    """

    loss: TextLoss
    calibrator: LearnThenTest

    def __post_init__(self) -> None:
        if self.calibrator.testing != FixedSequence():
            raise ValueError(
                f"{self.calibrator.testing} looks at every threshold: use FixedSequence"
            )


def calibrate(
    bench: DepthBench,
    controller: DepthController,
    thresholds: Sequence[float],
    reference: Reference,
    demand: Demand,
) -> tuple[DepthController, Certificate]:
    """Certify a loss on roll-outs at each threshold, strict to lax, until one fails.

    Args:
        bench: Model and task.
        controller: As it will be deployed.
        thresholds: Falling, chosen without the calibration problems.
        reference: The calibration problems' prompts and full texts.
        demand: What is to be promised.

    Returns:
        The controller at the certified threshold (infinity if none is), and the certificate.
    """
    loss, calibrator = demand.loss, demand.calibrator
    batch = AT_ONCE if controller.mode.batched else 1
    writing = Writing(bench.max_new_tokens, batch)
    made = roll_out(bench.reasoner.model, controller, reference, thresholds, writing)
    bar = tqdm(made, total=len(thresholds), desc="calibrate", unit="threshold")
    for so_far in bar:
        losses = so_far.losses(loss).numpy()
        grid = np.asarray(so_far.thresholds, dtype=np.float64)
        bar.set_postfix(lost=losses[:, -1].sum(), layers=f"{so_far.depths[-1]:.2f}")
        if calibrator.select(losses, grid) != so_far.thresholds[-1]:
            break
    bar.close()
    certificate = certify(calibrator, losses, grid)
    at = controller.with_threshold(certificate.threshold)
    details = {"loss": type(loss).__name__, "max_new_tokens": bench.max_new_tokens}
    promise = certificate.as_dict() | details
    return replace(at, certificate=promise), certificate

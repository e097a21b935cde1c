"""Certify a rule's threshold on roll-outs: where layer exits and calibration meet."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from probexit.calibration.certificate import Certificate, certify
from probexit.calibration.learn_then_test import LearnThenTest
from probexit.calibration.statistics.multiple_testing import FixedSequence
from probexit.exits.depth.controller import DepthController
from probexit.exits.depth.tuning.losses import TextLoss
from probexit.exits.depth.tuning.rollouts import Reference, Rollouts, Writing, roll_out
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
    certificate, _ = walk(bench, controller.with_threshold, thresholds, reference, demand)
    at = controller.with_threshold(certificate.threshold)
    return replace(at, certificate=promised(bench, certificate, demand)), certificate


def promised(bench: DepthBench, certificate: Certificate, demand: Demand) -> dict[str, Any]:
    """Return what a certificate promises of texts of the bench, as JSON."""
    details = {"loss": type(demand.loss).__name__, "max_new_tokens": bench.max_new_tokens}
    return certificate.as_dict() | details


def walk(
    bench: DepthBench,
    at: Callable[[float], DepthController],
    thresholds: Sequence[float],
    reference: Reference,
    demand: Demand,
) -> tuple[Certificate, Rollouts]:
    """Write texts threshold by threshold until one fails; return the certificate and the texts.

    Args:
        bench: Model and task.
        at: Returns rule and mode at a threshold, as they will be deployed.
        thresholds: Falling.
        reference: What the texts are compared with.
        demand: What is to be promised.
    """
    batch = AT_ONCE if at(thresholds[0]).mode.batched else 1
    writing = Writing(bench.max_new_tokens, batch)
    made = roll_out(bench.reasoner.model, at, reference, thresholds, writing)
    bar = tqdm(made, total=len(thresholds), desc="calibrate", unit="threshold")
    for so_far in bar:
        losses = so_far.losses(demand.loss).numpy()
        grid = np.asarray(so_far.thresholds, dtype=np.float64)
        bar.set_postfix(lost=losses[:, -1].sum(), layers=f"{so_far.depths[-1]:.2f}")
        if demand.calibrator.select(losses, grid) != so_far.thresholds[-1]:
            break
    bar.close()
    return certify(demand.calibrator, losses, grid), so_far

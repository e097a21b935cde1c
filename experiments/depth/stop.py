"""Certify when a rule may end a text: beside the same rule's texts that it did not end.

The exits and the stop are certified on problems of their own, each at half the chance that a
promise fails, so that both hold together.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from probexit.calibration.certificate import Certificate
from probexit.calibration.learn_then_test import LearnThenTest
from probexit.exits.depth.controller import DepthController
from probexit.exits.depth.tuning.losses import LostTask
from probexit.exits.depth.tuning.rollouts import Reference, Writing, continuations
from probexit.experiments.depth.bench import DepthBench
from probexit.experiments.depth.calibrate import AT_ONCE, Demand, promised, walk
from probexit.experiments.recording.tasks.base import Item


@dataclass(frozen=True)
class Ending:
    """What is known of the stop.

    Attributes:
        certificate: Its promise: how often the text was right without it and is wrong with it.
        ended: Calibration texts that it ended.
        saved: Share of their tokens that were not written.
    """

    certificate: Certificate
    ended: int
    saved: float

    def __str__(self) -> str:
        told = self.certificate
        lost = f"{told.losses:g} of {told.n} answers lost"
        if not told.certified:
            return f"stop off: {lost} at its strictest threshold"
        sure = 1 - (told.delta or 0.0)
        return (
            f"stop at {told.threshold:g}: risk <= {told.alpha:g}, confidence {sure:g} ({lost}), "
            f"ends {self.ended} texts, {self.saved:.0%} fewer tokens"
        )


def shares(
    controller: DepthController, n: int, calibrator: LearnThenTest
) -> tuple[slice, slice, LearnThenTest]:
    """Return which of ``n`` problems certify the exits and which the stop, and the test of each.

    All certify the exits where the decider ends no text.
    """
    if not controller.rule.decider.stop_path:
        return slice(0, n), slice(n, n), calibrator
    both = replace(calibrator, delta=calibrator.delta / 2)
    return slice(0, n // 2), slice(n // 2, n), both


def calibrate_stop(
    bench: DepthBench,
    controller: DepthController,
    items: Sequence[Item],
    calibrator: LearnThenTest,
) -> tuple[DepthController, Ending]:
    """Certify on whole texts that ending them loses few right answers.

    The loss is 1 where the rule's text was right without the stop, and is wrong with it.

    Args:
        bench: Model and task.
        controller: As it will be deployed, at its threshold; it ends no text yet.
        items: Problems on which neither the rule nor its threshold was chosen.
        calibrator: The test.

    Returns:
        The controller at the certified stop (none if none is), and what is known of it.
    """
    model, prompts = bench.reasoner.model, bench.prompts(items)
    writing = Writing(bench.max_new_tokens, AT_ONCE if controller.mode.batched else 1)
    whole, _ = continuations(model, controller, prompts, writing)
    loss = LostTask(lambda problem, tokens: bench.right(items[problem], tokens))
    demand = Demand(loss, calibrator)
    path = controller.rule.decider.stop_path
    reference = Reference(prompts, whole)
    certificate, made = walk(bench, controller.with_stop, path, reference, demand)
    if not certificate.certified:
        return controller, Ending(certificate, 0, 0.0)
    texts = made.early[made.thresholds.index(certificate.threshold)]
    ended = sum(len(text) < len(plain) for text, plain in zip(texts, whole, strict=True))
    saved = 1 - sum(map(len, texts)) / sum(map(len, whole))
    promise = _joined(controller.certificate, promised(bench, certificate, demand))
    at = controller.with_stop(certificate.threshold)
    return replace(at, certificate=promise), Ending(certificate, ended, saved)


def _joined(exits: dict[str, Any], stop: dict[str, Any]) -> dict[str, Any]:
    """Put the stop's promise beside that of the exits, which speaks of texts without it."""
    statement = exits.get("statement", "Nothing is promised of the exits.")
    words = f"Of texts without the stop: {statement} Of the stop: {stop['statement']}"
    return exits | {"stop": stop} | ({"statement": words} if "statement" in exits else {})

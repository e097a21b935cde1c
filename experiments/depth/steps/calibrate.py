"""``probexit depth calibrate``: certify the threshold of a fitted controller."""

import math
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from probexit.calibration.learn_then_test import LearnThenTest
from probexit.calibration.statistics.p_values import HoeffdingBentkusTail
from probexit.exits.depth.tuning.losses import AnswerDiffers, LostTask, TextDissimilarity, TextLoss
from probexit.experiments.depth.bench import DepthBench
from probexit.experiments.depth.calibrate import Demand
from probexit.experiments.depth.calibrate import calibrate as certify
from probexit.experiments.depth.folder import load_fitted
from probexit.experiments.depth.stop import calibrate_stop, shares
from probexit.experiments.recording.tasks.base import Item
from probexit.experiments.risk_control.looks import Look, Question, evidence, look


def calibrate(args: Namespace) -> dict[str, Any]:
    """Certify the threshold of the controller in ``args.folder``, and write it back.

    Raises:
        ValueError: if it is lossless, or was fitted without thresholds.
    """
    fitted, controller = load_fitted(args.folder)
    if controller.mode.lossless:
        raise ValueError(f"{args.folder} is lossless: there is no risk to certify")
    if not fitted.thresholds:
        raise ValueError(
            f"{args.folder}/fit.json has no thresholds: run `probexit depth fit` again"
        )
    bench = fitted.bench()
    items = bench.items(fitted.used, args.n)
    demand = _demand(args, bench, items)
    made = _look(args.folder, demand, items, fitted.thresholds)
    test = replace(demand.calibrator, delta=made.spent)
    first, second, test = shares(controller, args.n, test)
    reference = bench.reference(items[first])
    paid = replace(demand, calibrator=test)
    unended = controller.with_stop(math.inf)
    certified, certificate = certify(bench, unended, fitted.thresholds, reference, paid)
    certificate = replace(certificate, statement=f"{certificate.statement} {made}")
    promise = {**certified.certificate, "statement": certificate.statement}
    certified = replace(certified, certificate=promise)
    if items[second]:
        certified, ending = calibrate_stop(bench, certified, items[second], test)
        print(ending)
    # First what was used: if the other is not written, these problems are at least not taken again.
    replace(fitted, used=fitted.used + args.n).save(args.folder)
    certified.save(args.folder)
    print(f"threshold {certificate.threshold:.4f} on {certificate.n} problems,")
    print(f"{certificate.losses:g} of them lost ({type(demand.loss).__name__}).")
    silent = sum(not bench.answer(text) for text in reference.full)
    print(f"{silent} of {len(reference.full)} runs of the full model gave no answer.")
    print(certificate.statement)
    return {**certificate.as_dict(), "controller": args.folder}


def _look(folder: Path, demand: Demand, items: Sequence[Item], thresholds: Sequence[float]) -> Look:
    """Note which look at the folder's promise this is; the texts follow from what it sees."""
    question = Question("layer exits", type(demand.loss).__name__, demand.calibrator.alpha)
    problems = [item.id for item in items]
    seen = evidence(problems, np.empty((0, 0)), np.asarray(thresholds), "learn_then_test")
    return look(folder / "looks.jsonl", question, demand.calibrator.delta, problems, seen)


def _demand(args: Namespace, bench: DepthBench, items: list[Item]) -> Demand:
    losses: dict[str, TextLoss] = {
        "answer": AnswerDiffers(lambda _, tokens: bench.answer(tokens)),
        "task": LostTask(lambda problem, tokens: bench.right(items[problem], tokens)),
        "text": TextDissimilarity(),
    }
    exact = LearnThenTest(alpha=args.alpha, delta=args.delta)
    if args.loss == "text":  # not 0 or 1
        exact = replace(exact, p_value=HoeffdingBentkusTail())
    return Demand(losses[args.loss], exact)

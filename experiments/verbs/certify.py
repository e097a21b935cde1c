"""Choose the threshold that can be promised, and make the controller that is deployed."""

from collections.abc import Sequence
from pathlib import Path

from probexit.exits.controller import ExitController
from probexit.exits.trace import Trace
from probexit.exits.trackers.base import track
from probexit.experiments.methods.core.deploying import Asked, certify_methods
from probexit.experiments.recording.run import Run
from probexit.experiments.risk_control.calibrators import make_calibrator
from probexit.experiments.risk_control.certified_rule import CertifiedRule
from probexit.experiments.risk_control.losses.lost_correct import LostCorrect


def certify(
    run: Run,
    alpha: float = 0.05,
    delta: float | None = None,
    method: str = "probe",
    out: Path | str | None = None,
) -> ExitController:
    """Certify a threshold on a run's calibration split and write the controller.

    Args:
        run: A run with a fitted probe.
        alpha: The risk: share of problems whose right answer the exit may lose.
        delta: Chance that the promise fails; None the calibrator's own, .1.
        method: The rule, or several with commas, of which the cheapest is taken and paid for.
        out: The controller's folder; RUN/controller by default.

    Returns:
        The controller. Where no threshold can be certified it never exits, and its statement says
        how many more problems it would take.

    Raises:
        ValueError: on a rule that cannot be deployed so, with the reason.
    """
    calibrator = make_calibrator("learn_then_test", alpha, delta)
    asked = Asked(calibrator, LostCorrect(), "lost_correct")
    return deployed(run, method.split(","), asked, out)[1]


def deployed(
    run: Run, methods: Sequence[str], asked: Asked, out: Path | str | None = None
) -> tuple[CertifiedRule, ExitController, str, list[Trace]]:
    """Certify rules as asked and write the controller of the one that is taken.

    Returns:
        The certified rule, its controller as written, its name, and the calibration split.
    """
    name, rule, traces = certify_methods(run, methods, asked)
    controller = rule.controller(run, loss=asked.name, method=name)
    controller.save(Path(out) if out else run.folder / "controller")
    found = rule.certificate
    track({"certify/threshold": found.threshold, "certify/lost": found.losses / found.n})
    return rule, controller, name, traces

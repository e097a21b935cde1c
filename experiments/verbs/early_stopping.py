"""Train a probe epoch by epoch and certify the epoch that the calibration split chooses."""

from probexit.calibration.early_stopping import EpochRule
from probexit.experiments.fitting.epochs import EPOCHS, train_epochs
from probexit.experiments.fitting.fit import PROBES, Fit, splits_of
from probexit.experiments.recording.run import Run
from probexit.experiments.registry import named
from probexit.experiments.risk_control.certified_rule import CertifiedRule
from probexit.experiments.risk_control.early_stopping import stop_early
from probexit.experiments.risk_control.losses.lost_correct import LostCorrect


def certify_epoch(
    run: Run, fitted: Fit, alpha: float, epochs: int = EPOCHS
) -> tuple[CertifiedRule, EpochRule]:
    """Train a fitted probe anew, by epochs at its layers, and certify by the calibration split.

    Args:
        run: A recorded run.
        fitted: What was fitted on it: says which probe, and at which layers.
        alpha: The chance that a new problem loses a right answer of the full run.
        epochs: Epochs that are trained and kept.

    Returns:
        The certified rule, and the epochs in play with their bounds, the best first.

    Raises:
        ValueError: on a probe that is not trained by epochs, another target than rightness, or no
            epoch.
    """
    if epochs < 1:
        raise ValueError(f"{epochs} epochs: train 1 at least")
    if fitted.target != "correct":
        raise ValueError(
            f"the target {fitted.target!r} cannot choose an epoch: use --target correct"
        )
    splits, layers = splits_of(run), (fitted.signal.at, fitted.signal.recorded)
    trained = train_epochs(named(PROBES, fitted.probe)(), splits.fit, layers, epochs)
    return stop_early(trained, splits.calibrate, LostCorrect(), alpha)

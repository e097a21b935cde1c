"""Train a probe on what was recorded."""

from probexit.exits.trackers.base import track
from probexit.experiments.fitting.fit import Fit, fresh_splits, save_fit
from probexit.experiments.fitting.fit import fit as fit_traces
from probexit.experiments.recording.run import Run


def fit(
    run: Run,
    probe: str = "logistic",
    layers: tuple[int, ...] | None = None,
    target: str = "correct",
) -> Fit:
    """Train a probe on a run's fit split and keep it beside the run.

    Args:
        run: What `probexit.record` returned, or ``Run(folder)``.
        probe: Its name, see `probexit list probes`.
        layers: Layers to concatenate; None chooses them by cross-validation over problems.
        target: What to predict: "correct", "agrees" (needs no right answers) or "stays".

    Raises:
        ValueError: on an unknown name, a layer that was not recorded, or labels of one kind only.
    """
    found = fit_traces(fresh_splits(run).fit, run.manifest.layers, probe, layers, target)
    save_fit(run, found)
    if found.sweep is not None:
        for number, row in enumerate(found.sweep.rows):
            track({"fit/auroc by candidate": row.auroc}, number)
    return found

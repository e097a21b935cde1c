"""Take a probe to another run: of the same model, or of the same model in another form."""

from dataclasses import replace

from probexit.exits.fingerprint import Fingerprint
from probexit.exits.policies.threshold import Threshold
from probexit.experiments.fitting.fit import Fit, distinct, fresh_splits, load_fit
from probexit.experiments.fitting.grids import policy_grid
from probexit.experiments.recording.run import Run

SAME = ("cues", "closing", "tags")  # what makes the rule the same rule


def carry(origin: Run, run: Run) -> Fit:
    """Return the probe of ``origin`` for ``run``, its thresholds from the scores there.

    Raises:
        ValueError: if the runs are not of one model, or were recorded with other cues, another
            closing text, or without the layers that the probe reads.
    """
    require_same_rule(origin, run)
    fitted = load_fit(origin)
    try:
        signal = replace(fitted.signal, recorded=run.manifest.layers)
    except ValueError as error:
        raise ValueError(f"{run.folder}: {error}") from error
    traces = fresh_splits(run).fit
    grid = policy_grid(Threshold(), [signal.scores(trace) for trace in traces]).float()
    return replace(fitted, signal=signal, sweep=None, grid=distinct(grid))


def require_same_rule(origin: Run, run: Run) -> str:
    """Refuse runs between which a rule cannot move; say if the model is in another form.

    Returns:
        A sentence for the reader; "" if the model is the very same.

    Raises:
        ValueError: naming what differs.
    """
    ours, theirs = origin.manifest, run.manifest
    said = _form(origin, run)
    for name in SAME:
        mine, other = getattr(ours, name), getattr(theirs, name)
        if mine != other:
            raise ValueError(
                f"{run.folder} was recorded with {name} = {other!r}, {origin.folder} with "
                f"{mine!r}: the rule would be another, record it with the same"
            )
    return said


def _form(origin: Run, run: Run) -> str:
    here, there = (Fingerprint(**each.manifest.fingerprint) for each in (origin, run))
    if (here.layers, here.width, here.weights) == (there.layers, there.width, there.weights):
        return ""
    if here.carries_to(there):
        return (
            f"{run.folder} holds the same model in another form ({there.form}, not {here.form}): "
            "the probe was fitted on other states, and only what is calibrated there is promised "
            "there"
        )
    raise ValueError(
        f"{run.folder} was recorded with another model ({run.manifest.model}) than "
        f"{origin.folder} ({origin.manifest.model}): a probe reads only the model that it was "
        "trained on"
    )

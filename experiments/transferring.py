"""Take the probe and the certified threshold of one run to others."""

from dataclasses import replace

from probexit.experiments.comparing import Levels, context_of, source_of
from probexit.experiments.comparison.transfer import Target
from probexit.experiments.fitting import load_fit
from probexit.experiments.methods.context import Context
from probexit.experiments.recording.run import Manifest, Run

SAME = ("cues", "closing", "tags")  # what the rule was certified with


def home_of(run: Run, alpha: float) -> Context:
    """Return the run that the rule comes from, at one risk.

    Raises:
        ValueError: if no probe was fitted there, or nothing was recorded.
    """
    return context_of(run, Levels(alpha, ()), {})


def target_of(home: Context, origin: Run, run: Run) -> Target:
    """Return a run as a target: all its problems that the rule was neither fitted nor tuned on.

    Raises:
        ValueError: if the run was recorded with another model, other cues, another closing text or
            without the layers that the probe reads.
    """
    _require_same(origin, run)
    fitted, manifest = load_fit(origin), run.manifest
    seen = {trace.problem for trace in (*home.splits.fit, *home.splits.calibrate)}
    try:
        signal = replace(fitted.signal, recorded=manifest.layers)
    except ValueError as error:
        raise ValueError(f"{run.folder}: {error}") from error
    return Target(
        name=run.folder.name,
        setting=setting_of(manifest),
        traces=[trace for trace in run.traces() if trace.problem not in seen],
        signal=signal,
        closing=len(source_of(run).closing_ids()),
    )


def home_target(home: Context, origin: Run) -> Target:
    """Return the home run's own test problems as a target: there the promise should hold."""
    name, setting = f"{origin.folder.name} (home)", setting_of(origin.manifest)
    return Target(name, setting, home.splits.test, home.probe, home.closing)


def setting_of(manifest: Manifest) -> str:
    """Say which task, at which temperature."""
    temperature = manifest.decoding["temperature"]
    return f"{manifest.task}, " + ("greedy" if temperature == 0 else f"T = {temperature:g}")


def _require_same(origin: Run, run: Run) -> None:
    ours, theirs = origin.manifest, run.manifest
    if ours.fingerprint != theirs.fingerprint:
        raise ValueError(
            f"{run.folder} was recorded with another model ({theirs.model}) than {origin.folder} "
            f"({ours.model}): a probe reads only the model that it was trained on"
        )
    for name in SAME:
        mine, other = getattr(ours, name), getattr(theirs, name)
        if mine != other:
            raise ValueError(
                f"{run.folder} was recorded with {name} = {other!r}, {origin.folder} with "
                f"{mine!r}: the rule would be another, record it with the same"
            )

"""Take a certified rule elsewhere unchanged, and see whether its promise still holds there."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from probexit.exits.fingerprint import Fingerprint
from probexit.exits.policies.threshold import Threshold
from probexit.exits.signals.base import Signal
from probexit.exits.trace import Trace
from probexit.experiments.evaluation.metrics import Measures, Metrics
from probexit.experiments.evaluation.run_comparison import Levels, context_of, source_of
from probexit.experiments.fitting.carry import require_same_rule
from probexit.experiments.fitting.fit import load_fit
from probexit.experiments.fitting.splits import Splits
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.threshold_sweep import Point, ThresholdSweep
from probexit.experiments.recording.rollouts import one_each
from probexit.experiments.recording.run import Manifest, Run

UNCHANGED, AGAIN = "unchanged", "re-calibrated"
FEWEST = 10  # test problems; with so few the interval is wide, but it is exact


@dataclass(frozen=True)
class Target:
    """Where the rule is taken.

    Attributes:
        name: For readers.
        setting: Task and temperature, in words.
        traces: Problems that the rule was neither fitted nor calibrated on.
        signal: The same probe, reading these traces' layers.
        closing: Tokens that close the thinking and start the answer.
    """

    name: str
    setting: str
    traces: Sequence[Trace]
    signal: Signal
    closing: int


@dataclass(frozen=True)
class Moved:
    """The rule on one target's test problems.

    Attributes:
        target: The target's name.
        setting: Task and temperature, in words.
        stage: "unchanged" (probe and threshold from home) or "re-calibrated" (threshold only).
        threshold: ``inf`` if nothing could be certified.
        certified: The risk promised at home or, once re-calibrated, here; None if nothing was.
        calibration: Problems of the target that the threshold was chosen on.
        problems: Test problems.
        measures: What was measured on them.
    """

    target: str
    setting: str
    stage: str
    threshold: float
    certified: float | None
    calibration: int
    problems: int
    measures: Measures

    @property
    def full(self) -> float:
        """Share of these problems that the full run gets right."""
        return self.measures.accuracy.estimate - self.measures.change.estimate

    @property
    def broken(self) -> bool:
        """Whether the observed risk's whole interval lies above the certified risk."""
        return self.certified is not None and self.measures.risk.low > self.certified


def transfer(home: Context, targets: Sequence[Target], recalibrate: int = 100) -> list[Moved]:
    """Apply the rule certified at home to each target, and again once it is re-calibrated there.

    Both are measured on the same problems of the target: those that are left after
    ``recalibrate`` of them, drawn by ``home.seed``, were set aside to choose a threshold on.

    Args:
        home: The run that the probe was fitted and certified on; its risk is ``home.alpha``.
        targets: Where to take it.
        recalibrate: Problems set aside in each; 0 leaves the second half out.

    Raises:
        ValueError: if a target has too few problems.
    """
    at_home = ThresholdSweep(home.probe, Threshold(), home.grid).certified(home, home.alpha)
    return [row for target in targets for row in _at(home, at_home, target, recalibrate)]


def _at(home: Context, at_home: Point, target: Target, n: int) -> list[Moved]:
    calibrate, test = _set_aside(target, n, home.seed)
    # the looks at the home run are not looks at the target
    there = replace(home, splits=Splits([], calibrate, test), closing=target.closing, looks=None)
    sweep = ThresholdSweep(target.signal, Threshold(), home.grid)
    points = {UNCHANGED: at_home} | ({AGAIN: sweep.certified(there, home.alpha)} if n else {})
    ruler = Metrics.of(test, there.exit_values)
    return [
        Moved(
            target=target.name,
            setting=target.setting,
            stage=stage,
            threshold=point.threshold,
            certified=_promised(point),
            calibration=n if stage == AGAIN else 0,
            problems=len(ruler.problems),
            measures=ruler.measure(outcome.trace_results(there.exit_values)),
        )
        for (stage, point), outcome in zip(
            points.items(), sweep.outcomes(test, list(points.values())), strict=True
        )
    ]


def _promised(point: Point) -> float | None:
    found = point.certificate
    return found.alpha if found is not None and found.certified else None


def _set_aside(target: Target, n: int, seed: int) -> tuple[list[Trace], list[Trace]]:
    names = sorted({trace.problem for trace in target.traces})
    if len(names) < n + FEWEST:
        raise ValueError(
            f"{target.name} has {len(names)} problems that the rule has not seen: record "
            f"{n + FEWEST} or more, or re-calibrate on fewer"
        )
    random.Random(seed).shuffle(names)
    aside = set(names[:n])
    calibrate = [trace for trace in target.traces if trace.problem in aside]
    return calibrate, [trace for trace in target.traces if trace.problem not in aside]


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
    said = require_same_rule(origin, run)
    fitted, manifest = load_fit(origin), run.manifest
    seen = {trace.problem for trace in (*home.splits.fit, *home.splits.calibrate)}
    try:
        signal = replace(fitted.signal, recorded=manifest.layers)
    except ValueError as error:
        raise ValueError(f"{run.folder}: {error}") from error
    return Target(
        name=run.folder.name,
        setting=setting_of(manifest) + (f", {_form(run)}" if said else ""),
        traces=[trace for trace in one_each(run.traces()) if trace.problem not in seen],
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


def _form(run: Run) -> str:
    return Fingerprint(**run.manifest.fingerprint).form

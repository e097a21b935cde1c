"""Fit a probe on a run: choose its layers by cross-validation, train it, keep it beside the run."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from probexit.exits.artefacts.parts import describe, rebuild
from probexit.exits.policies.threshold import Threshold
from probexit.exits.shown import Shown
from probexit.exits.signals.probe import ProbeSignal
from probexit.exits.trace import Trace
from probexit.experiments.fitting.grids import policy_grid
from probexit.experiments.fitting.splits import Splits, require_unseen, split
from probexit.experiments.fitting.targets import TARGETS, cue_table
from probexit.experiments.recording.run import Run
from probexit.experiments.registry import named
from probexit.probes.artefacts.folder import forget, opened_artefact, write_artefact
from probexit.probes.artefacts.strict_json import read_json
from probexit.probes.stored import read_probe
from probexit.probes.sweep import LayerResult, LayerSweep, sweep

PROBES = "probexit.probes"

FEWEST = 3
"""Problems that must hold either label."""


@dataclass(frozen=True, repr=False)
class Fit(Shown):
    """A fitted probe with its choices.

    Attributes:
        signal: The probe as a signal over the run's recorded layers.
        probe: Its name.
        target: What it was trained to predict.
        sweep: Cross-validated AUROC per candidate set of layers; None if layers were given.
        grid: ``[m]`` thresholds, strict to lax, from the fit split's scores.
        problems: What it was fitted on, by id, sorted.
    """

    signal: ProbeSignal
    probe: str
    target: str
    sweep: LayerSweep | None
    grid: Tensor
    problems: tuple[str, ...]

    def described(self) -> tuple[str, dict[str, str]]:
        told = {
            "predicts": self.target,
            "reads": f"layers {list(self.signal.layers)}",
            "fitted on": f"{len(self.problems)} problems",
        }
        if self.sweep is not None:
            best = self.sweep.best
            told["chosen at"] = (
                f"AUROC {best.auroc:.3f} ± {best.standard_error:.3f}, other problems"
            )
        return f"Probe: {self.probe}", told


def splits_of(run: Run) -> Splits:
    """Return the run's split by problem; the same for every command, however the run grows.

    Raises:
        ValueError: if a problem that the run's probe was fitted on would calibrate or test.
    """
    splits = fresh_splits(run)
    require_unseen(splits, fitted_problems(run))
    return splits


def fresh_splits(run: Run) -> Splits:
    """Return the run's split by problem, to fit a probe anew."""
    manifest = run.manifest
    return split(run.traces(), manifest.shares, manifest.seed)


def fit(
    traces: Sequence[Trace],
    recorded: tuple[int, ...],
    probe: str = "logistic",
    layers: tuple[int, ...] | None = None,
    target: str = "correct",
) -> Fit:
    """Train a probe.

    Args:
        traces: The fit split.
        recorded: Layers that the traces hold, in order.
        probe: Name of a probe.
        layers: Layers to concatenate; None chooses them by cross-validation.
        target: What to predict.

    Raises:
        ValueError: on an unknown name, a layer that was not recorded, or unusable labels.
    """
    make = named(PROBES, probe)
    table = cue_table(traces, target)
    _require_both(table.labels, table.groups, target)
    found = None
    if layers is None:
        candidates = _candidates(len(recorded))
        found = sweep(make, table.states, table.labels, table.groups, candidates)
        layers = tuple(recorded[i] for i in found.best.layers)
    missing = [layer for layer in layers if layer not in recorded]
    if missing:
        raise ValueError(f"layers {missing} were not recorded: choose among {list(recorded)}")
    X = table.states.select([recorded.index(layer) for layer in layers])
    signal = ProbeSignal(make().fit(X, table.labels, table.groups), layers, recorded)
    grid = policy_grid(Threshold(), [signal.scores(trace) for trace in traces]).float()
    problems = tuple(sorted({trace.problem for trace in traces}))
    return Fit(signal, probe, target, found, distinct(grid), problems)


def _require_both(labels: Tensor, groups: Tensor, target: str) -> None:
    """See that both labels are there in several problems, and say what it may be due to.

    Raises:
        ValueError: if there is nothing to tell apart.
    """
    ones, zeros = (len(set(groups[labels.long() == k].tolist())) for k in (1, 0))
    if min(ones, zeros) >= FEWEST:
        return
    there = f"in {ones} of {len(set(groups.tolist()))} problems"
    count = f"{target!r} is true at {int(labels.sum())} of {len(labels)} cues, {there}"
    if ones < FEWEST:
        raise ValueError(
            f"{count}: if forced answers are hardly ever right where the full run is, the closing "
            "text is to blame, not the number of problems (see what `probexit record` printed, and "
            "--close)"
        )
    raise ValueError(
        f"{count}: a probe needs both labels, and these problems are too easy for this model; "
        "record harder ones"
    )


def distinct(grid: Tensor) -> Tensor:
    """Drop thresholds of ``grid [m]`` that are one in single precision; strict to lax."""
    return torch.tensor(sorted(set(grid.tolist()), reverse=True), dtype=torch.float32)


def _candidates(recorded: int) -> list[list[int]]:
    """Every single layer, and the last two, three and all of them together."""
    singles = [[i] for i in range(recorded)]
    together = [list(range(recorded - k, recorded)) for k in (2, 3, recorded) if k <= recorded]
    unique = {tuple(c): c for c in singles + together}
    return list(unique.values())


@dataclass(frozen=True)
class _Kept:
    """What ``fit.json`` holds."""

    signal: ProbeSignal
    probe: str
    target: str
    sweep: tuple[LayerResult, ...]
    grid: tuple[float, ...]
    problems: tuple[str, ...]

    def __post_init__(self) -> None:
        if named(PROBES, self.probe) is not type(self.signal.probe):
            raise ValueError(f"probe = {self.probe!r}, but the signal reads another one")
        if self.target not in TARGETS:
            raise ValueError(f"target = {self.target!r} is none of {', '.join(TARGETS)}")
        falling = all(a > b for a, b in pairwise(self.grid))
        if not self.grid or not falling or not all(map(math.isfinite, self.grid)):
            raise ValueError("grid must hold thresholds that fall, at least one")
        if not all(0 <= score <= 1 for row in self.sweep for score in row.fold_aurocs):
            raise ValueError("sweep holds an AUROC outside [0, 1]")


def save_fit(run: Run, fitted: Fit) -> Path:
    """Write the probe and its choices into ``RUN/fit``, in place of those there."""
    folder = run.folder / "fit"
    rows = fitted.sweep.rows if fitted.sweep else ()
    grid = tuple(fitted.grid.tolist())
    tensors: dict[str, Tensor] = {}
    kept = _Kept(fitted.signal, fitted.probe, fitted.target, rows, grid, fitted.problems)
    write_artefact(folder, "fit", describe(kept, tensors), tensors)
    forget(folder, ("probe/probe.json", "probe/probe.safetensors"))
    return folder


def fitted_problems(run: Run) -> tuple[str, ...]:
    """Return the problems that the run's probe was fitted on; none if there is no probe.

    Raises:
        ValueError: if the fit does not say.
    """
    file = run.folder / "fit" / "fit.json"
    if not file.is_file():
        return ()
    problems = load_fit(run).problems
    if not problems:
        raise ValueError(
            f"{file} does not say which problems the probe was fitted on: "
            f"run `probexit fit {run.folder}` again"
        )
    return problems


def load_fit(run: Run) -> Fit:
    """Read what ``save_fit`` wrote, in format 2 or 1.

    Raises:
        ValueError: if nothing was fitted yet; naming file and field, if it is damaged or changed.
    """
    file, command = run.folder / "fit" / "fit.json", f"probexit fit {run.folder}"
    if not file.is_file():
        raise ValueError(f"{run.folder} has no fitted probe: run `{command}` first")
    remedy = f"run `{command}` again"
    whole = read_json(file, remedy)
    try:
        data, tensors = (
            opened_artefact(file, whole, remedy) if "format" in whole else _renewed(whole, file)
        )
        kept = rebuild(_Kept, data, tensors)
    except ValueError as error:
        said = str(error)
        named_there = str(file.parent) in said
        raise ValueError(said if named_there else f"{file}: {said}: {remedy}") from error
    sweep = LayerSweep(kept.sweep) if kept.sweep else None
    grid = torch.tensor(kept.grid, dtype=torch.float32)
    return Fit(kept.signal, kept.probe, kept.target, sweep, grid, kept.problems)


def _renewed(whole: dict[str, Any], file: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return what a fit of format 1 holds, whose probe had a folder of its own, as format 2."""
    lacking = sorted({"probe", "target", "layers", "recorded", "sweep", "grid"} - set(whole))
    if lacking:
        raise ValueError(f"it lacks {', '.join(lacking)}")
    name, config, state = read_probe(file.parent / "probe")
    probe = {"member": name, "config": config}
    layers = {"at": whole["layers"], "recorded": whole["recorded"]}
    signal = {"member": "signal:probe", "config": {"probe": probe, **layers}}
    rest = {key: value for key, value in whole.items() if key not in ("layers", "recorded")}
    return {"problems": []} | rest | {"signal": signal}, {
        f"signal.probe/{key}": kept for key, kept in state.items()
    }

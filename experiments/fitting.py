"""Fit a probe on a run: choose its layers by cross-validation, train it, keep it beside the run."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from probexit.exits.signals.probe import ProbeSignal
from probexit.exits.trace import Trace
from probexit.experiments.find import named
from probexit.experiments.recording.run import Run
from probexit.experiments.splits import Splits, require_unseen, split
from probexit.experiments.targets import cue_table
from probexit.probes.features import select_layers
from probexit.probes.sweep import LayerSweep, sweep

PROBES = "probexit.probes"


@dataclass(frozen=True)
class Fit:
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
    found = None
    if layers is None:
        candidates = _candidates(len(recorded))
        found = sweep(make, table.hidden, table.labels, table.groups, candidates)
        layers = tuple(recorded[i] for i in found.best.layers)
    missing = [layer for layer in layers if layer not in recorded]
    if missing:
        raise ValueError(f"layers {missing} were not recorded: choose among {list(recorded)}")
    X = select_layers(table.hidden, [recorded.index(layer) for layer in layers])
    signal = ProbeSignal(make().fit(X, table.labels, table.groups), layers, recorded)
    scores = torch.cat([signal.scores(trace) for trace in traces])
    problems = tuple(sorted({trace.problem for trace in traces}))
    return Fit(signal, probe, target, found, threshold_grid(scores), problems)


def threshold_grid(scores: Tensor, size: int = 300) -> Tensor:
    """Spread thresholds over scores that are not used for calibration.

    Args:
        scores: ``[n]`` scores of the fit split, in [0, 1].
        size: Number of quantiles.

    Returns:
        ``[m]`` float32 values, strictly decreasing: quantiles of the scores, and an even grid so
        that regions no fit score fell into are not skipped.
    """
    quantiles = torch.quantile(scores.double(), torch.linspace(0, 1, size, dtype=torch.float64))
    even = torch.linspace(0.005, 0.995, 199, dtype=torch.float64)
    ascending: Tensor = torch.unique(torch.cat([quantiles, even]).float())
    return ascending.flip(0)


def _candidates(recorded: int) -> list[list[int]]:
    """Every single layer, and the last two, three and all of them together."""
    singles = [[i] for i in range(recorded)]
    together = [list(range(recorded - k, recorded)) for k in (2, 3, recorded) if k <= recorded]
    unique = {tuple(c): c for c in singles + together}
    return list(unique.values())


def save_fit(run: Run, fitted: Fit) -> Path:
    """Write the probe and its choices into ``RUN/fit``."""
    folder = run.folder / "fit"
    fitted.signal.probe.save(folder / "probe")
    rows = fitted.sweep.rows if fitted.sweep else ()
    data: dict[str, Any] = {
        "probe": fitted.probe,
        "target": fitted.target,
        "layers": list(fitted.signal.at),
        "recorded": list(fitted.signal.recorded),
        "sweep": [{"layers": list(r.layers), "fold_aurocs": list(r.fold_aurocs)} for r in rows],
        "grid": fitted.grid.tolist(),
        "problems": list(fitted.problems),
    }
    (folder / "fit.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    return folder


def fitted_problems(run: Run) -> tuple[str, ...]:
    """Return the problems that the run's probe was fitted on; none if there is no probe.

    Raises:
        ValueError: if the fit does not say.
    """
    file = run.folder / "fit" / "fit.json"
    if not file.is_file():
        return ()
    data = json.loads(file.read_text(encoding="utf-8"))
    if "problems" not in data:
        raise ValueError(
            f"{file} does not say which problems the probe was fitted on: "
            f"run `probexit fit {run.folder}` again"
        )
    return tuple(data["problems"])


def load_fit(run: Run) -> Fit:
    """Read what ``save_fit`` wrote.

    Raises:
        ValueError: if nothing was fitted yet.
    """
    from probexit.probes.sweep import LayerResult

    file = run.folder / "fit" / "fit.json"
    if not file.is_file():
        raise ValueError(f"{run.folder} has no fitted probe: run `probexit fit {run.folder}` first")
    data = json.loads(file.read_text(encoding="utf-8"))
    probe = named(PROBES, data["probe"]).load(run.folder / "fit" / "probe")
    rows = [LayerResult(tuple(r["layers"]), tuple(r["fold_aurocs"])) for r in data["sweep"]]
    return Fit(
        ProbeSignal(probe, tuple(data["layers"]), tuple(data["recorded"])),
        data["probe"],
        data["target"],
        LayerSweep(tuple(rows)) if rows else None,
        torch.tensor(data["grid"], dtype=torch.float32),
        fitted_problems(run),
    )

"""Fitting a probe on traces, and keeping it beside the run."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from probexit.exits.trace import Trace
from probexit.experiments.fitting.fit import PROBES, fit, load_fit, save_fit
from probexit.experiments.fitting.targets import TARGETS
from probexit.experiments.recording.run import Run
from probexit.experiments.registry import members

Make = Callable[..., list[Trace]]


def test_layers_are_chosen_by_what_they_tell(
    make_traces: Make, recorded_layers: tuple[int, ...]
) -> None:
    """In these traces the last layer tells most; sets of layers are tried too."""
    fitted = fit(make_traces(300), recorded_layers)
    assert fitted.sweep is not None
    tried = [row.layers for row in fitted.sweep.rows]
    assert tried == [(0,), (1,), (2,), (1, 2), (0, 1, 2)]
    best = fitted.sweep.best.layers
    assert fitted.signal.at == tuple(recorded_layers[i] for i in best)
    assert 2 in best
    assert 0 not in best
    assert fitted.signal.recorded == recorded_layers


@pytest.mark.parametrize("name", sorted(members(PROBES)))
def test_every_probe_is_fitted_saved_and_loaded(
    name: str, make_traces: Make, recorded_layers: tuple[int, ...], tmp_path: Path
) -> None:
    traces = make_traces(150)
    fitted = fit(traces, recorded_layers, name, recorded_layers[1:])
    assert fitted.sweep is None
    save_fit(Run(tmp_path), fitted)
    loaded = load_fit(Run(tmp_path))
    assert (loaded.probe, loaded.target, loaded.sweep) == (name, "correct", None)
    assert torch.equal(loaded.grid, fitted.grid)
    for trace in traces[:20]:
        assert torch.equal(loaded.signal.scores(trace), fitted.signal.scores(trace))


def test_a_sweep_survives(
    make_traces: Make, recorded_layers: tuple[int, ...], tmp_path: Path
) -> None:
    fitted = fit(make_traces(150), recorded_layers, "mean-difference", None, "agrees")
    save_fit(Run(tmp_path), fitted)
    loaded = load_fit(Run(tmp_path))
    assert loaded.sweep == fitted.sweep
    assert loaded.target == "agrees"


@pytest.mark.parametrize("target", TARGETS)
def test_the_probe_learns_its_target(
    target: str, make_traces: Make, recorded_layers: tuple[int, ...]
) -> None:
    signal = fit(make_traces(300), recorded_layers, layers=recorded_layers, target=target).signal
    unseen = [t for t in make_traces(100, seed=1) if len(t.cues)]
    scores = torch.cat([signal.scores(t) for t in unseen])
    labels = torch.cat([TARGETS[target](t) for t in unseen])
    assert scores[labels].mean() > scores[~labels].mean() + 0.2


def test_refusals(make_traces: Make, recorded_layers: tuple[int, ...], tmp_path: Path) -> None:
    traces = make_traces(30)
    with pytest.raises(ValueError, match=r"layers \[3\] were not recorded: choose among \[2, 5"):
        fit(traces, recorded_layers, layers=(2, 3))
    with pytest.raises(ValueError, match="unknown probe 'oracle'"):
        fit(traces, recorded_layers, "oracle")
    right = [t for t in traces if len(t.cues) and t.cues.correct.all()]
    with pytest.raises(ValueError, match="needs both"):
        fit(right, recorded_layers, layers=recorded_layers)
    with pytest.raises(ValueError, match="has no fitted probe: run `probexit fit"):
        load_fit(Run(tmp_path))


def test_a_closing_text_that_is_never_right_is_told_from_too_few_problems(
    make_traces: Make, recorded_layers: tuple[int, ...]
) -> None:
    none = [
        replace(t, cues=replace(t.cues, correct=torch.zeros_like(t.cues.correct)))
        for t in make_traces(30)
    ]
    with pytest.raises(ValueError, match="the closing text is to blame, not the number"):
        fit(none, recorded_layers)

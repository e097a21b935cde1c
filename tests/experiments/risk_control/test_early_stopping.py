"""Conformalised early stopping of a probe: it stops in time, and it keeps its level."""

import numpy as np
import pytest
import torch

from probexit.calibration.early_stopping import CertifiedStopping
from probexit.exits.controller import ExitController
from probexit.exits.replay import exits
from probexit.experiments.commands.cli import main
from probexit.experiments.fitting.epochs import train_epochs
from probexit.experiments.recording.run import Run
from probexit.experiments.risk_control.early_stopping import stop_early, tables
from probexit.experiments.risk_control.losses.lost_correct import LostCorrect
from probexit.probes.mlp import MLP

ALPHA, EPOCHS, DRAWS, N = 0.1, 40, 400, 39


@pytest.fixture(scope="module")
def overfitted(make_traces, recorded_layers):
    """Trained on 15 problems at the layer that tells least, far too long; and 600 others."""
    traces = make_traces(615)
    probe = MLP(learning_rate=1e-2)
    layers = (recorded_layers[:1], recorded_layers)
    return train_epochs(probe, traces[:15], layers, EPOCHS), traces[:15], traces[15:]


def test_it_stops_before_the_probe_is_overfitted(overfitted):
    epochs, fitted, others = overfitted
    _, chosen = stop_early(epochs, others[:100], LostCorrect(), ALPHA)
    _, trained = tables(epochs, fitted, LostCorrect())
    assert trained.sum(0).argmin() > EPOCHS // 2  # on its own problems longer is better
    assert max(chosen.epochs) < EPOCHS // 2
    _, unseen = tables(epochs, others[100:], LostCorrect())
    assert unseen.mean(0)[chosen.epochs[0]] < unseen.mean(0)[-1] - 0.02


def test_it_keeps_its_level_and_the_training_problems_would_not(overfitted):
    """Over many draws of calibration problems; calibrated on what trained it, the level breaks."""
    epochs, fitted, others = overfitted
    unsafe, selection = tables(epochs, others, LostCorrect())
    rng = np.random.default_rng(0)

    def lost(rule, rows):
        return float(rule.exits(unsafe[rows][:, list(rule.epochs)]).mean())

    found = []
    for _ in range(DRAWS):
        order = rng.permutation(len(others))
        drawn, new = order[:N], order[N:]
        found.append(lost(CertifiedStopping(ALPHA).choose(unsafe[drawn], selection[drawn]), new))
    assert 0 < np.mean(found) <= ALPHA + 3 * np.std(found) / DRAWS**0.5
    seen, loss = tables(epochs, fitted, LostCorrect())
    longest = slice(loss.sum(0).argmin(), None)
    overfit = CertifiedStopping(ALPHA).choose(seen[:, longest], loss[:, longest])
    assert overfit.exits(unsafe[:, longest][:, list(overfit.epochs)]).mean() > 3 * ALPHA


def test_too_few_problems_think_on(overfitted):
    epochs, _, others = overfitted
    rule, _ = stop_early(epochs, others[:8], LostCorrect(), ALPHA)
    assert rule.policy.threshold == np.inf
    assert "takes 9 problems, 1 more" in rule.certificate.statement
    assert exits(rule.policy, [rule.signal.scores(t) for t in others[:20]]) == [None] * 20


def test_fit_writes_the_controller(greedy_run, tmp_path):
    """The set of epochs comes back from the folder, and decides the same."""
    out = tmp_path / "controller"
    command = f"fit {greedy_run.folder} --probe mlp --layers 3 --epochs 4 --out {out}"
    assert main([*command.split(), "--early-stopping", "0.2"]) == 0
    loaded = ExitController.load(out)
    assert loaded.certificate["calibrator"] == "CertifiedStopping"
    assert "chose the epoch" in loaded.certificate["statement"]
    (trace, *_) = (t for t in Run(greedy_run.folder).traces() if len(t.cues))
    assert torch.isfinite(loaded.signal.scores(trace)).all()


def test_a_probe_without_epochs_is_refused(greedy_run, capsys):
    command = f"fit {greedy_run.folder} --layers 3 --early-stopping 0.2"
    assert main(command.split()) == 2
    assert "Logistic is not trained by epochs" in capsys.readouterr().err

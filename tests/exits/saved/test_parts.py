"""A controller's parts on disk: several probes, sequence probes."""

from pathlib import Path

import pytest
import torch

from probexit.exits.controller import ExitController
from probexit.exits.policies.smoothed import Smoothed
from probexit.exits.signals.novel_leaf import NovelLeaf
from probexit.exits.signals.sequence import SequenceSignal
from probexit.hooks.cues.reflection import Reflection
from probexit.hooks.think_tags import ThinkTags
from probexit.probes.mean_difference import MeanDifference
from probexit.probes.random_direction import RandomDirection
from probexit.probes.sequence.gru import GRU

LAYERS = {"at": (1,), "recorded": (0, 1)}
LABELS = torch.arange(20) % 2


@pytest.fixture
def two() -> ExitController:
    states = torch.randn(20, 6)
    leaf = RandomDirection(seed=1).fit(states[:, :3], LABELS)
    signal = NovelLeaf(leaf=leaf, novel=MeanDifference().fit(states, LABELS), **LAYERS)
    return ExitController(Reflection(), signal, Smoothed(0.6, window=10), ThinkTags(), "")


def test_two_probes_keep_apart(two: ExitController, tmp_path: Path) -> None:
    two.save(tmp_path)
    again = ExitController.load(tmp_path).signal
    states = torch.randn(4, 6)
    assert type(again.leaf) is RandomDirection
    assert torch.equal(again.leaf.score(states[:, :3]), two.signal.leaf.score(states[:, :3]))
    assert torch.equal(again.novel.score(states), two.signal.novel.score(states))


def test_saving_again_changes_nothing(two: ExitController, tmp_path: Path) -> None:
    two.save(tmp_path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    two.save(tmp_path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_what_is_not_fitted_cannot_be_saved(two: ExitController, tmp_path: Path) -> None:
    two.signal.leaf.head_ = None
    with pytest.raises(ValueError, match="RandomDirection is not fitted"):
        two.save(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_sequence_probe_in_a_controller(tmp_path: Path) -> None:
    states = [torch.randn(4, 3) for _ in range(20)]
    probe = GRU(units=5, epochs=1).fit(states, [torch.tensor([0.0, 0, 1, 1])] * 20)
    signal = SequenceSignal(probe=probe, column="hidden", **LAYERS)
    controller = ExitController(Reflection(), signal, Smoothed(0.6, window=10), ThinkTags(), "")
    controller.save(tmp_path)
    loaded = ExitController.load(tmp_path)
    assert loaded == controller
    assert torch.equal(loaded.signal.probe.score(states[0]), probe.score(states[0]))

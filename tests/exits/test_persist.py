"""A controller's parts on disk: several probes, sequence probes, folders of older versions."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from probexit.exits.controller import ExitController
from probexit.exits.persist import describe, restore
from probexit.exits.policies.smoothed import Smoothed
from probexit.exits.signals.novel_leaf import NovelLeaf
from probexit.exits.signals.sequence import SequenceSignal
from probexit.exits.signals.step_probe import StepProbe
from probexit.hooks.cues.reflection import Reflection
from probexit.hooks.think_tags import ThinkTags
from probexit.probes.mean_difference import MeanDifference
from probexit.probes.random_direction import RandomDirection
from probexit.probes.sequence.gru import GRU

LAYERS = {"at": (1,), "recorded": (0, 1)}
LABELS = torch.arange(20) % 2


@pytest.fixture
def two() -> NovelLeaf:
    states = torch.randn(20, 6)
    leaf = RandomDirection(seed=1).fit(states[:, :3], LABELS)
    return NovelLeaf(leaf=leaf, novel=MeanDifference().fit(states, LABELS), **LAYERS)


def reloaded(part: Any, folder: Path) -> Any:
    return restore(json.loads(json.dumps(describe(part, folder))), folder)


def test_two_probes_keep_apart(two: NovelLeaf, tmp_path: Path) -> None:
    again = reloaded(two, tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["probe", "probe-2"]
    states = torch.randn(4, 6)
    assert type(again.leaf) is RandomDirection
    assert torch.equal(again.leaf.score(states[:, :3]), two.leaf.score(states[:, :3]))
    assert torch.equal(again.novel.score(states), two.novel.score(states))


def test_saving_again_writes_over_and_adds_nothing(two: NovelLeaf, tmp_path: Path) -> None:
    assert describe(two, tmp_path) == describe(two, tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_sequence_probe_in_a_controller(tmp_path: Path) -> None:
    states = [torch.randn(4, 3) for _ in range(20)]
    probe = GRU(units=5, epochs=1).fit(states, [torch.tensor([0.0, 0, 1, 1])] * 20)
    signal = SequenceSignal(probe=probe, column="hidden", **LAYERS)
    controller = ExitController(Reflection(), signal, Smoothed(0.6, window=10), ThinkTags(), "")
    controller.save(tmp_path)
    loaded = ExitController.load(tmp_path)
    assert loaded == controller
    assert torch.equal(loaded.signal.probe.score(states[0]), probe.score(states[0]))


def test_folders_of_before_are_read(tmp_path: Path) -> None:
    """They hold one probe and do not name its folder."""
    probe = RandomDirection().fit(torch.randn(20, 3), LABELS)
    data = describe(StepProbe(probe=probe, **LAYERS), tmp_path)
    del data["config"]["probe"]["folder"]
    states = torch.randn(4, 3)
    assert torch.equal(restore(data, tmp_path).probe.score(states), probe.score(states))


@pytest.mark.parametrize("folder", ["../probe", "/tmp", "probe-2/..", "probe-", "other"])
def test_no_other_folder_can_be_named(folder: str, two: NovelLeaf, tmp_path: Path) -> None:
    data = describe(two, tmp_path)
    data["config"]["leaf"]["folder"] = folder
    with pytest.raises(ValueError, match="was not written by probexit"):
        restore(data, tmp_path)

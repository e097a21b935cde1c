"""A controller on disk, and the models it belongs to."""

import gc
import json
import re
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from probexit.exits.controller import ExitController
from probexit.exits.fingerprint import Fingerprint
from probexit.exits.policies.patience import Patience
from probexit.exits.policies.patience import Patience as OtherPatience
from probexit.exits.policies.threshold import Threshold
from probexit.exits.signals.position import Position
from probexit.experiments.registry import members
from probexit.hooks.cues.paragraph import Paragraph
from probexit.hooks.cues.reflection import Reflection
from probexit.hooks.cues.union import Union
from probexit.hooks.think_tags import ThinkTags

INF = float("inf")


@pytest.fixture
def saved(reading: Callable[..., ExitController], tmp_path: Path) -> Path:
    reading(0.5).save(tmp_path)
    return tmp_path


@pytest.mark.parametrize("threshold", [0.1 + 0.2, INF, -INF])
def test_round_trip(
    threshold: float, reading: Callable[..., Any], lively: Any, tmp_path: Path
) -> None:
    controller = reading(
        threshold,
        cues=Union((Reflection(("so", "inf")), Paragraph())),
        policy=Patience(threshold, patience=3),
        model=Fingerprint.of(lively("llama")),
        closing="inf",  # a text, not a number
        max_thinking=500,
        certificate={"threshold": threshold, "word": "inf", "odd": {"seed": 2, "low": -INF}},
    )
    controller.save(tmp_path)
    loaded = ExitController.load(tmp_path)
    assert loaded == controller
    states = torch.randn(5, 64)
    assert torch.equal(loaded.signal.probe.score(states), controller.signal.probe.score(states))


@pytest.mark.parametrize("family", ["hooks.cues", "exits.policies", "exits.signals"])
def test_every_member_can_be_saved(family: str, tmp_path: Path) -> None:
    slot = {"hooks.cues": "cues", "exits.policies": "policy", "exits.signals": "signal"}[family]
    plain = ExitController(Paragraph(), Position(), Threshold(), ThinkTags(), "")
    for name, member in members(f"probexit.{family}").items():
        if any(f.default is f.default_factory is MISSING for f in fields(member)):
            continue  # needs a fitted probe: saved in the contract test of the signals
        controller = replace(plain, **{slot: member()})
        controller.save(tmp_path / name)
        assert ExitController.load(tmp_path / name) == controller


def test_nothing_is_pickled(saved: Path) -> None:
    files = sorted(str(f.relative_to(saved)) for f in saved.rglob("*") if f.is_file())
    assert files[-1] == "controller.json"
    assert re.fullmatch(r"controller-[0-9a-f]{16}\.safetensors", files[0])
    assert len(files) == 2
    text = (saved / "controller.json").read_text()
    json.loads(text, parse_constant=pytest.fail)  # JSON proper, without Infinity and NaN


def test_another_threshold(reading: Callable[..., ExitController]) -> None:
    controller = reading(0.5)
    assert controller.with_threshold(0.7).policy == Threshold(0.7)
    assert controller.policy == Threshold(0.5)


def test_unreadable_folders(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no controller\.json: run `probexit calibrate`"):
        ExitController.load(tmp_path / "elsewhere")
    (saved / "controller.json").write_text('{"format": 99}')
    with pytest.raises(ValueError, match="format 99; this version reads formats 1 and 2"):
        ExitController.load(saved)
    (saved / "controller.json").write_text('{"format": 1, "cues"')
    with pytest.raises(ValueError, match=r"controller\.json is damaged"):
        ExitController.load(saved)


@dataclass(frozen=True)
class MyPolicy(Threshold):
    """A policy of one's own, made outside the project."""


def test_a_member_of_ones_own_is_saved_by_its_name(
    reading: Callable[..., ExitController], tmp_path: Path
) -> None:
    controller = reading(0.5, policy=MyPolicy(0.4))
    controller.save(tmp_path)
    data = json.loads((tmp_path / "controller.json").read_text())
    assert data["policy"] == {"member": "policy:my_policy", "config": {"threshold": 0.4}}
    assert ExitController.load(tmp_path) == controller


def test_two_members_of_one_name_are_refused(
    reading: Callable[..., ExitController], tmp_path: Path
) -> None:
    @dataclass(frozen=True)
    class Patience(Threshold):
        """Called as one of the package is."""

    with pytest.raises(ValueError, match="two members are called policy:patience"):
        reading(0.5, policy=Patience()).save(tmp_path)
    with pytest.raises(ValueError, match="two members are called policy:patience"):
        reading(0.5, policy=OtherPatience(0.5)).save(tmp_path)
    Patience.member_name = "my_patience"  # type: ignore[attr-defined]
    reading(0.5, policy=Patience()).save(tmp_path)
    assert type(ExitController.load(tmp_path).policy) is Patience
    del Patience
    gc.collect()


def test_what_is_no_member_cannot_be_saved(reading: Any, tmp_path: Path) -> None:
    class Undecorated(Threshold):
        def __init__(self, other: float) -> None:
            super().__init__(other)

    with pytest.raises(ValueError, match="Undecorated cannot be saved: make it a dataclass"):
        reading(0.5, policy=Undecorated(0.5)).save(tmp_path)
    assert not list(tmp_path.iterdir())


def test_another_model_is_refused(lively: Callable[..., Any], tiny_model: Any) -> None:
    mine = Fingerprint.of(lively("llama"))
    mine.check(lively("llama"))
    with pytest.raises(ValueError, match=r"width 32\), not for .* \(width 64\)"):
        mine.check(tiny_model("llama", hidden_size=64))
    with pytest.raises(ValueError, match=r"layers 4\), not for .* \(layers 3\)"):
        mine.check(tiny_model("llama", num_hidden_layers=3))
    with pytest.raises(ValueError, match="weights"):
        mine.check(tiny_model("llama"))


def test_a_fine_tuned_model_is_another(lively: Callable[..., Any]) -> None:
    """Fine-tuning often leaves the embedding as it was."""
    model = lively("llama")
    before = Fingerprint.of(model)
    with torch.no_grad():
        model.model.layers[-1].mlp.up_proj.weight += 0.1
    with pytest.raises(ValueError, match="weights"):
        before.check(model)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_precision_does_not_change_the_fingerprint(dtype: torch.dtype, lively: Any) -> None:
    """A checkpoint in bfloat16 is the same model loaded in float32."""
    model = lively("llama").to(torch.bfloat16)
    before = Fingerprint.of(model.float())
    assert Fingerprint.of(model.to(dtype)) == before

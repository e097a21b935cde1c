"""A controller on disk, and the models it belongs to."""

import json
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from probexit.exits.controller import ExitController
from probexit.exits.fingerprint import Fingerprint
from probexit.exits.policies.patience import Patience
from probexit.exits.policies.threshold import Threshold
from probexit.exits.signals.position import Position
from probexit.experiments.find import members
from probexit.hooks.cues.paragraph import Paragraph
from probexit.hooks.cues.reflection import Reflection
from probexit.hooks.cues.union import Union
from probexit.hooks.think_tags import ThinkTags

INF = float("inf")


def rewrite(folder: Path, **changes: Any) -> None:
    file = folder / "controller.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


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
        certificate={"threshold": INF, "word": "inf", "decoding": {"seed": 2, "low": -INF}},
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
    assert files == ["controller.json", "probe/probe.json", "probe/probe.safetensors"]
    text = (saved / "controller.json").read_text()
    json.loads(text, parse_constant=pytest.fail)  # JSON proper, without Infinity and NaN


def test_another_threshold(reading: Callable[..., ExitController]) -> None:
    controller = reading(0.5)
    assert controller.with_threshold(0.7).policy == Threshold(0.7)
    assert controller.policy == Threshold(0.5)


def test_unreadable_folders(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no controller\.json: run `probexit calibrate`"):
        ExitController.load(tmp_path / "elsewhere")
    rewrite(saved, format=99)
    with pytest.raises(ValueError, match="format 99; this version reads 1"):
        ExitController.load(saved)
    (saved / "controller.json").write_text('{"format": 1, "cues"')
    with pytest.raises(ValueError, match=r"controller\.json is damaged"):
        ExitController.load(saved)


@pytest.mark.parametrize(
    "name",
    [
        "os:system",  # a function of a module that is always there
        "subprocess:Popen",
        "pathlib:Path",
        "antigravity:fly",  # importing it is an act of its own
        "probexit.nowhere:Never",
        "probexit.exits.policies.never:Nowhere",
        "probexit.exits.replay:exit_table",  # ours, but no part
        "transformers.generation.logits_process:LogitsProcessor",
    ],
)
def test_foreign_classes_are_neither_imported_nor_called(name: str, saved: Path) -> None:
    import sys

    rewrite(saved, policy={"class": name, "config": {"command": f"touch {saved}/touched"}})
    with pytest.raises(ValueError, match=r"(uses|has no) "):
        ExitController.load(saved)
    assert not (saved / "touched").exists()
    assert "antigravity" not in sys.modules


@dataclass(frozen=True)
class MyPolicy(Threshold):
    """A policy of one's own, made outside the project."""


@dataclass(frozen=True)
class Stranger:
    """A dataclass that is no member of a family."""

    threshold: float = 0.5


def test_a_strange_dataclass_is_not_made(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "strangers", sys.modules[__name__])
    rewrite(saved, policy={"class": "strangers:Stranger", "config": {}})
    with pytest.raises(ValueError, match="strangers:Stranger, which is no cue set, signal"):
        ExitController.load(saved)


def test_a_policy_of_ones_own_works_once_imported(
    reading: Callable[..., ExitController], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    controller = reading(0.5, policy=MyPolicy(0.4))
    controller.save(tmp_path)
    monkeypatch.setitem(sys.modules, MyPolicy.__module__, sys.modules[__name__])
    assert ExitController.load(tmp_path) == controller
    monkeypatch.delitem(sys.modules, MyPolicy.__module__)
    with pytest.raises(ValueError, match="import its module first"):
        ExitController.load(tmp_path)


def test_a_part_that_no_longer_fits_is_named(saved: Path) -> None:
    policy = "probexit.exits.policies.threshold:Threshold"
    rewrite(saved, policy={"class": policy, "config": {"threshold": 0.5, "hysteresis": 2}})
    with pytest.raises(ValueError, match="hysteresis"):
        ExitController.load(saved)


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

"""What a crafted controller may not do: name what is no member, or deploy what was not certified.

Every attack is tried on a folder of format 1, and on one of format 2 whose hashes were made to fit.
"""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from probexit.exits.artefacts.added import ADDED
from probexit.exits.controller import ExitController
from probexit.exits.depth.controller import DepthController
from probexit.probes.artefacts.folder import opened_artefact, write_artefact
from probexit.probes.artefacts.strict_json import read_json

GOLDEN = Path(__file__).parents[2] / "data" / "controllers"
KINDS = {"reasoning": ExitController, "layers": DepthController}
NAMES = {"reasoning": "controller", "layers": "depth"}
Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def forged(tmp_path: Path) -> Callable[..., Any]:
    """``forged("format-2/reasoning/ridge", change)``: load it after a change of its data."""

    def load(golden: str, change: Change) -> Any:
        kind = golden.split("/")[1]
        folder, name = tmp_path / golden, NAMES[kind]
        shutil.copytree(GOLDEN / golden, folder)
        file = folder / f"{name}.json"
        whole = read_json(file, "")
        if whole["format"] == 1:
            change(whole)
            file.write_text(json.dumps(whole))
        else:
            data, tensors = opened_artefact(file, whole, "")
            change(data)
            write_artefact(folder, name, data, tensors)
        return KINDS[kind].load(folder)  # type: ignore[attr-defined]

    return load


def at(path: str, value: Any) -> Change:
    """A change of one place, such as ``policy.config.threshold``."""

    def change(data: Any) -> None:
        *way, last = path.split(".")
        for step in way:
            data = data[int(step) if step.isdigit() else step]
        if value is None and last in data:
            del data[last]
        else:
            data[last] = value

    return change


def test_the_forger_changes_what_is_loaded(forged: Any) -> None:
    """The positive control: a forgery that is a controller is loaded."""
    changed = at("policy.config.threshold", 0.25)
    for one in ("format-1", "format-2"):
        assert forged(f"{one}/reasoning/ridge", changed).policy.threshold == 0.25


ELSEWHERE = [
    "os:system",
    "subprocess:Popen",
    "antigravity:fly",  # importing it is an act of its own
    "this:c",
    "probexit.nowhere:Never",
    "probexit.exits.replay:exit_table",
    "probexit.hooks.models:_pretrained",
    "probexit.experiments.recording.run:Run",
    "probexit.exits.artefacts.format_1:import_module",
    "probexit.exits.depth.persist:import_module",
    "probexit.exits.depth.controller:DepthController",
    "probexit.exits.controller:ExitController",
    "probexit.exits.policies.threshold:Threshold.__init__",
    "mode:../../evil",
    "policy:base",
    "policy:",
    "",
    7,
    None,
]
PLACES_1 = {
    "reasoning/ridge": ("cues.class", "signal.class", "policy.class", "tags.class"),
    "layers/decaying-patience": ("rule.class", "rule.config.head.class", "mode.class"),
    "layers/entropy-evict": ("mode.config.kv.class", "rule.config.decider.class"),
}
PLACES_2 = {
    "reasoning/ridge": ("cues.member", "signal.member", "signal.config.probe.member"),
    "layers/decaying-patience": ("rule.decider.config.inner.member", "rule.head.member"),
    "layers/entropy-evict": ("mode.member", "mode.config.kv.member"),
}
WHERE = [
    (f"format-{one}/{golden}", place)
    for one, places in ((1, PLACES_1), (2, PLACES_2))
    for golden, several in places.items()
    for place in several
]


@pytest.mark.parametrize(("golden", "place"), WHERE)
@pytest.mark.parametrize("name", ELSEWHERE)
def test_no_class_outside_its_family(golden: str, place: str, name: Any, forged: Any) -> None:
    before = set(sys.modules)
    with pytest.raises(ValueError, match=r"(controller|depth)\.json"):
        forged(golden, at(place, name))
    assert not {"antigravity", "this"} & set(sys.modules)
    packages = {module.partition(".")[0] for module in set(sys.modules) - before}
    assert packages <= {"probexit", "torch", "transformers"}  # what the members themselves import


MISPLACED = [
    ("format-1/reasoning/ridge", "policy.class", "probexit.hooks.cues.paragraph:Paragraph"),
    ("format-1/layers/gap-leave", "mode.class", "probexit.exits.depth.kv.evict:Evict"),
    ("format-1/layers/gap-leave", "rule.config.head.class", "probexit.hooks.cues.union:Union"),
    ("format-2/reasoning/ridge", "policy.member", "cues:paragraph"),
    ("format-2/reasoning/ridge", "signal.config.probe.member", "probe:logistic"),
    ("format-2/reasoning/logistic-threshold", "signal.config.probe.member", "sequence:ridge"),
    ("format-2/layers/gap-leave", "mode.member", "kv:evict"),
    ("format-2/layers/gap-leave", "rule.head.member", "decider:gap"),
]


@pytest.mark.parametrize(("golden", "place", "name"), MISPLACED)
def test_no_member_of_another_family(golden: str, place: str, name: str, forged: Any) -> None:
    with pytest.raises(ValueError, match="no member of the family"):
        forged(golden, at(place, name))


def test_the_hole_that_was_shown(forged: Any) -> None:
    """A model folder with code of its own lies beside ``depth.json``, whose mode loads it."""
    config = {"name": ".", "revision": "", "dtype": "float32", "trust_remote_code": True}
    evil = {"class": "probexit.hooks.models:_pretrained", "config": config}
    with pytest.raises(ValueError, match=r"depth\.json: mode uses .*_pretrained"):
        forged("format-1/layers/gap-leave", at("mode", evil))


def test_a_probe_is_no_controller(forged: Any) -> None:
    """``ExitController.load`` called the ``load`` of any class that a probe named."""
    evil = {"probe": "probexit.exits.depth.controller:DepthController", "folder": "probe"}
    with pytest.raises(ValueError, match=r"signal\.probe uses .*DepthController"):
        forged("format-1/reasoning/ridge", at("signal.config.probe", evil))


@pytest.mark.parametrize("folder", ["../probe", "/tmp", "probe-2/..", "probe-", "other", 3, None])
def test_no_other_folder_can_be_named(folder: Any, forged: Any) -> None:
    def change(data: dict[str, Any]) -> None:
        data["signal"]["config"]["probe"]["folder"] = folder

    with pytest.raises(ValueError, match=r"signal\.probe keeps a probe in"):
        forged("format-1/reasoning/ridge", change)


CERTIFIED = "reasoning/logistic-threshold"
WRONG = [
    (CERTIFIED, "policy.config.threshold", None, "Threshold lacks threshold"),
    (CERTIFIED, "policy.config.threshold", True, "policy.threshold = true: Input should be"),
    (CERTIFIED, "policy.config.threshold", "0.45", "valid number"),
    (CERTIFIED, "policy.config.threshold", [0.45], "valid number"),
    (CERTIFIED, "policy.config.threshold", 0.46, "certificate.threshold = 0.45, but"),
    (CERTIFIED, "policy.config.hysteresis", 2, "Threshold knows no hysteresis"),
    (CERTIFIED, "certificate.threshold", None, "certificate lacks threshold"),
    (CERTIFIED, "certificate.threshold", 0.83, "but the controller leaves at 0.45"),
    (CERTIFIED, "certificate.alpha", 1.5, "certificate.alpha = 1.5"),
    (CERTIFIED, "certificate.delta", -0.1, "certificate.delta = -0.1"),
    (CERTIFIED, "certificate.losses", "2", "certificate.losses"),
    (CERTIFIED, "certificate.statement", 5, "certificate.statement"),
    (CERTIFIED, "certificate.decoding.temperature", "hot", "certificate.decoding.temperature"),
    (CERTIFIED, "certificate.decoding.temperature", -1.0, "certificate.decoding.temperature"),
    (CERTIFIED, "certificate.decoding.max_new_tokens", 0, "certificate.decoding.max_new"),
    (CERTIFIED, "certificate.decoding.top_k", 4, "certificate.decoding.top_k"),
    (CERTIFIED, "certificate", [], "certificate"),
    (CERTIFIED, "answer_tokens", 0, "answer_tokens = 0"),
    (CERTIFIED, "answer_tokens", -4, "answer_tokens = -4"),
    (CERTIFIED, "answer_tokens", 4.0, "answer_tokens = 4.0"),
    (CERTIFIED, "answer_tokens", True, "answer_tokens = true"),
    (CERTIFIED, "max_thinking", -1, "max_thinking = -1"),
    (CERTIFIED, "closing", None, "lacks closing"),
    (CERTIFIED, "closing", 3, "closing = 3"),
    (CERTIFIED, "extra", 3, "knows no extra"),
    (CERTIFIED, "model.layers", "six", "model.layers"),
    (CERTIFIED, "model.width", None, "Fingerprint lacks width"),
    (CERTIFIED, "cues.config.words", ["wait", 3], r"cues.words\[1\]"),
    (CERTIFIED, "cues.config.words", "wait", "cues.words"),
    (CERTIFIED, "cues.config.words", [], "words must be"),
    (CERTIFIED, "cues.config", [], "cues must hold"),
    (CERTIFIED, "signal.config.at", [2, True], "signal.at"),
    (CERTIFIED, "signal.config.at", [3], "layers .3. were not recorded"),
    (CERTIFIED, "signal.config.at", [-1], "must be in 0"),
    ("reasoning/mlp-patience", "policy.config.patience", 0, "patience=0"),
    ("reasoning/mlp-patience", "cues.config.members", {}, "cues.members must"),
    ("layers/gap-leave", "certificate.threshold", 0.83, "but the controller leaves at 0.25"),
    ("layers/gap-leave", "mode", None, "lacks mode"),
    ("layers/entropy-evict", "mode.config.audits", "often", "mode.audits"),
    ("layers/entropy-evict", "mode.config.seed", 10**30, "mode.seed"),
    ("layers/schedule-skipped", "mode.config.skipped", [2, "4"], "mode.skipped"),
]


@pytest.mark.parametrize("one", ["format-1", "format-2"])
@pytest.mark.parametrize(("golden", "place", "value", "said"), WRONG)
def test_wrong_values(
    one: str, golden: str, place: str, value: Any, said: str, forged: Any
) -> None:
    with pytest.raises(ValueError, match=said) as error:
        forged(f"{one}/{golden}", at(place, value))
    assert one in str(error.value)  # the file is named
    assert "\n" not in str(error.value)


RULES = [
    ("threshold", None, "lacks threshold"),
    ("threshold", True, "rule.threshold"),
    ("layers", [3, 1], "must be ascending"),
    ("layers", [], "must be ascending"),
    ("layers", [1, 3.5], "rule.layers"),
]


@pytest.mark.parametrize(("name", "value", "said"), RULES)
def test_wrong_rules(name: str, value: Any, said: str, forged: Any) -> None:
    with pytest.raises(ValueError, match=said):
        forged("format-1/layers/gap-leave", at(f"rule.config.{name}", value))
    with pytest.raises(ValueError, match=said):
        forged("format-2/layers/gap-leave", at(f"rule.{name}", value))


def test_a_size_is_checked_before_memory_is_taken(forged: Any) -> None:
    """An MLP of a billion units would be made before its tensors were found not to fit."""
    with pytest.raises(ValueError, match=r"signal\.probe: the tensor 'weights.0' has"):
        forged("format-2/reasoning/mlp-patience", at("signal.config.probe.config.hidden", [2**40]))
    with pytest.raises(ValueError, match=r"signal\.probe: the tensor 'head.weight' has"):
        forged("format-2/reasoning/gru", at("signal.config.probe.config.units", 2**40))
    with pytest.raises(ValueError, match=r"rule\.head: .*do not fit ExitBlock"):
        forged("format-2/layers/random-block", at("rule.head.config.inner", 1e9))


def test_older_folders_mean_what_is_said_of_them(forged: Any, monkeypatch: Any) -> None:
    """A field that came later has to be told; only then may a folder lack it."""
    monkeypatch.setitem(ADDED, "cues:hesitation", {"words": ["hm"]})
    monkeypatch.setitem(ADDED, "ThinkTags", {"close": "</t>"})
    golden = f"format-2/{CERTIFIED}"
    assert forged(golden, at("cues.config.words", None)).cues.words == ("hm",)
    monkeypatch.delitem(ADDED, "cues:hesitation")
    with pytest.raises(ValueError, match="Hesitation lacks words"):
        forged(golden.replace("2", "1"), at("cues.config.words", None))


def test_tensors_must_be_those_of_the_parts(tmp_path: Path) -> None:
    golden = GOLDEN / "format-2" / "reasoning" / "ridge"
    file = golden / "controller.json"
    data, tensors = opened_artefact(file, read_json(file, ""), "")
    short = {name: tensor for name, tensor in tensors.items() if not name.endswith("/bias")}
    narrow = tensors | {"signal.probe/mean": torch.zeros(3)}
    for odd in (short, narrow, {}, tensors | {"signal/other": torch.zeros(1)}):
        write_artefact(tmp_path, "controller", data, odd)
        with pytest.raises(ValueError, match=r"controller\.json: .*tensor"):
            ExitController.load(tmp_path)
    write_artefact(tmp_path, "controller", data, tensors)
    ExitController.load(tmp_path)

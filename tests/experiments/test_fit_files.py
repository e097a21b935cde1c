"""A fit on disk: format 1 is read, what is damaged or changed is refused, nothing is torn."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from probexit.experiments.depth.folder import FittedRule
from probexit.experiments.fitting.fit import load_fit, save_fit
from probexit.experiments.recording.run import Run
from probexit.probes.artefacts.folder import opened_artefact, write_artefact
from probexit.probes.artefacts.strict_json import read_json

GOLDEN = Path(__file__).parents[1] / "data" / "fits" / "format-1"
NAMES = sorted(folder.name for folder in GOLDEN.iterdir())


@pytest.fixture
def run(tmp_path: Path) -> Callable[[str], Run]:
    """``run(name)``: a copy of a run with a fit of format 1."""

    def copy(name: str) -> Run:
        shutil.copytree(GOLDEN / name, tmp_path / name)
        return Run(tmp_path / name)

    return copy


@pytest.mark.parametrize("name", NAMES)
def test_fits_of_format_1_score_the_same(name: str, run: Any) -> None:
    old = load_fit(run(name))
    states = torch.arange(1, 61).float().sin().reshape(5, 3, 4).to(torch.bfloat16)
    expected = json.loads((GOLDEN / name / "scores.json").read_text())
    found = old.signal.probe.score(states[:, [0, 2]].flatten(1))
    assert found.tolist() == pytest.approx(expected, abs=1e-6)
    assert (old.probe, old.target, old.signal.at) == (name, "correct", (2, 7))
    assert (old.sweep is None) == (name == "mlp")
    assert len(old.grid) == 30


def test_saving_takes_the_place_of_format_1(run: Any) -> None:
    mine = run("logistic")
    old = load_fit(mine)
    save_fit(mine, old)
    names = sorted(file.name for file in (mine.folder / "fit").iterdir())
    assert names[1:] == ["fit.json"]
    assert len(names) == 2
    new = load_fit(mine)
    assert torch.equal(new.grid, old.grid)
    assert new.sweep == old.sweep
    assert torch.equal(
        new.signal.probe.score(torch.ones(1, 8)), old.signal.probe.score(torch.ones(1, 8))
    )


class Killed(BaseException):
    """As SIGKILL."""


def test_a_kill_leaves_the_old_fit_or_the_new_one(run: Any, monkeypatch: Any) -> None:
    mine, other = run("logistic"), load_fit(run("mlp"))
    seen = []
    for n in range(1, 40):
        shutil.rmtree(mine.folder)
        shutil.copytree(GOLDEN / "logistic", mine.folder)
        with monkeypatch.context() as patch:
            count = [0]

            def step(original: Any, count: list[int] = count, n: int = n) -> Any:
                def deadly(*args: Any, **kwargs: Any) -> Any:
                    count[0] += 1
                    if count[0] >= n:
                        raise Killed
                    return original(*args, **kwargs)

                return deadly

            patch.setattr(os, "fsync", step(os.fsync))
            for name in ("open", "replace", "unlink", "rmdir"):
                patch.setattr(Path, name, step(getattr(Path, name)))
            try:
                save_fit(mine, other)
            except Killed:
                pass
            else:
                break
        seen.append(load_fit(mine).probe)
    assert seen == sorted(seen)
    assert set(seen) == {"logistic", "mlp"}


WRONG = [
    ("grid", [], "grid must hold thresholds that fall"),
    ("grid", [0.1, 0.5], "grid must hold thresholds that fall"),
    ("grid", [0.5, 0.5], "grid must hold thresholds that fall"),
    ("grid", [0.5, "0.1"], r"grid\[1\]"),
    ("grid", [0.5, True], r"grid\[1\]"),
    ("grid", None, "lacks grid"),
    ("target", "right", "target = 'right' is none of"),
    ("target", 3, "target = 3"),
    ("probe", "mlp", "probe = 'mlp', but the signal reads another one"),
    ("probe", "../mlp", "unknown probe"),
    ("sweep", {}, "sweep must be a list"),
    ("sweep", [{"layers": [0], "fold_aurocs": [2.0]}], "outside"),
    ("sweep", [{"layers": [0]}], "LayerResult lacks fold_aurocs"),
]


@pytest.mark.parametrize(("name", "value", "said"), WRONG)
def test_wrong_values(name: str, value: Any, said: str, run: Any) -> None:
    mine = run("logistic")
    file = mine.folder / "fit" / "fit.json"
    data = json.loads(file.read_text())
    changed = data | {name: value} if value is not None else {k: data[k] for k in data if k != name}
    file.write_text(json.dumps(changed))
    with pytest.raises(ValueError, match=said) as error:
        load_fit(mine)
    assert "fit.json" in str(error.value)
    assert "probexit fit" in str(error.value)

    file.write_text(json.dumps(data))
    save_fit(mine, load_fit(mine))  # the same, of format 2, with hashes that fit
    new, tensors = opened_artefact(file, read_json(file, ""), "")
    new = new | {name: value} if value is not None else {k: new[k] for k in new if k != name}
    write_artefact(file.parent, "fit", new, tensors)
    with pytest.raises(ValueError, match=said):
        load_fit(mine)


def test_a_signal_that_is_no_probe_is_no_fit(run: Any) -> None:
    mine = run("logistic")
    save_fit(mine, load_fit(mine))
    file = mine.folder / "fit" / "fit.json"
    data, _ = opened_artefact(file, read_json(file, ""), "")
    data["signal"] = {"member": "signal:position", "config": {}}
    write_artefact(file.parent, "fit", data, {})
    with pytest.raises(ValueError, match="signal = 'signal:position' is no ProbeSignal"):
        load_fit(mine)


FITTED = FittedRule("shipped", "arith", None, 3, 12, (0.9, 0.5), 64)


def test_the_fit_of_layer_exits(tmp_path: Path) -> None:
    FITTED.save(tmp_path)
    assert FittedRule.load(tmp_path) == FITTED
    old = json.loads((tmp_path / "fit.json").read_text())
    for key in ("format", "tensors", "sha256"):
        del old[key]
    file = tmp_path / "fit.json"
    for key, value, said in (
        ("used", 12, None),
        ("used", -1, "used = -1"),
        ("used", True, "used = true"),
        ("thresholds", [0.5, 0.9], "thresholds must fall"),
        ("max_new_tokens", 0, "max_new_tokens = 0"),
        ("max_new_tokens", {"not finite": "inf"}, "max_new_tokens"),
        ("seed", "3", 'seed = "3"'),
        ("more", 3, "knows no more"),
    ):
        file.write_text(json.dumps(old | {key: value}))
        if said is None:
            assert FittedRule.load(tmp_path) == FITTED
            continue
        with pytest.raises(ValueError, match=said) as error:
            FittedRule.load(tmp_path)
        assert "fit.json" in str(error.value)
        assert "run `probexit depth fit` again" in str(error.value)

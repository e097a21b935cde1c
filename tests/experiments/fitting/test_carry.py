"""A probe taken to the same model in another form: said aloud, and refused elsewhere."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from shutil import copytree

import pytest

from probexit.experiments.commands.cli import main
from probexit.experiments.fitting.carry import carry, require_same_rule
from probexit.experiments.fitting.fit import load_fit
from probexit.experiments.recording.run import Run


@pytest.fixture(scope="module")
def fitted(greedy_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("carried") / "home"
    copytree(greedy_run.folder, folder)
    assert main(["fit", str(folder), "--layers", "5,6"]) == 0
    return folder


@pytest.fixture
def quantized(fitted: Path, tmp_path: Path) -> Path:
    """The same traces, as if the model had been loaded in 4 bits."""
    folder = Path(copytree(fitted, tmp_path / "four"))
    (folder / "fit" / "fit.json").unlink()
    manifest = Run(folder).manifest
    mark = manifest.fingerprint | {"weights": "4444", "kind": "bitsandbytes 4 bit"}
    (folder / "manifest.json").write_text(json.dumps(asdict(replace(manifest, fingerprint=mark))))
    return folder


def test_a_probe_is_carried_and_calibrated(
    fitted: Path, quantized: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fit", str(quantized), "--from", str(fitted)]) == 0
    assert (
        "the same model in another form (bitsandbytes 4 bit, not plain" in capsys.readouterr().out
    )
    kept = load_fit(Run(quantized))
    assert kept.problems == load_fit(Run(fitted)).problems
    arguments = ["calibrate", str(quantized), "--alpha", ".4", "--delta", ".3"]
    assert main([*arguments, "--out", str(quantized / "controller")]) == 0
    held = json.loads((quantized / "controller" / "controller.json").read_text())
    assert held["model"]["weights"] == "4444"  # it attaches to the quantised model only


def test_transfer_says_the_form(
    fitted: Path, quantized: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    choice = ["--alpha", ".3", "--recalibrate", "5"]
    assert main(["transfer", str(fitted), str(quantized), *choice]) == 0
    assert "bitsandbytes 4 bit" in (fitted / "transfer" / "transfer.csv").read_text()
    capsys.readouterr()


def test_another_model_is_still_refused(fitted: Path, quantized: Path) -> None:
    manifest = Run(quantized).manifest
    mark = manifest.fingerprint | {"base": "another"}
    file = quantized / "manifest.json"
    file.write_text(json.dumps(asdict(replace(manifest, fingerprint=mark))))
    with pytest.raises(ValueError, match="recorded with another model"):
        carry(Run(fitted), Run(quantized))
    assert require_same_rule(Run(fitted), Run(fitted)) == ""

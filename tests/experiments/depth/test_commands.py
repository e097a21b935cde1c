import json
from pathlib import Path

import pytest

from probexit.exits.depth.controller import DepthController
from probexit.experiments.cli import main
from probexit.experiments.depth.compare import Row, as_table
from probexit.experiments.depth.folder import Fitted
from probexit.experiments.depth.presets import PRESETS
from probexit.experiments.depth.run import Outcome

SMALL = ["--n", "9", "--steps", "3", "--max-new-tokens", "24"]


@pytest.fixture
def shipped() -> None:
    from probexit.experiments import reasoner

    if not reasoner.path().is_dir():
        pytest.skip("the shipped reasoner is not in this checkout")


@pytest.mark.usefixtures("shipped")
def test_fit_calibrate_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = tmp_path / "rule", tmp_path / "out"
    assert main(["depth", "fit", *SMALL, "--out", str(folder)]) == 0
    assert main(["depth", "calibrate", str(folder), "--n", "3"]) == 0
    controller = DepthController.load(folder)
    # Three problems can never certify 5 %: the rule keeps to full depth and says so.
    assert controller.rule.threshold == float("inf")
    assert controller.certificate["n"] == 3
    assert Fitted.load(folder).used == 12
    assert main(["depth", "run", str(folder), "--n", "1", "--out", str(out)]) == 0
    outcome = json.loads((out / "outcome.json").read_text())
    assert outcome["same_text"] == 1.0
    assert outcome["depth"] == 6.0
    assert "<span" in (out / "heat_map.html").read_text()
    assert "same answer" in capsys.readouterr().out


@pytest.mark.usefixtures("shipped")
def test_a_lossless_rule_has_no_risk_to_certify(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "rule"
    assert main(["depth", "fit", *SMALL, "--preset", "layerskip", "--out", str(folder)]) == 0
    assert main(["depth", "calibrate", str(folder), "--n", "4"]) == 2
    assert "lossless" in capsys.readouterr().err
    assert main(["depth", "run", str(folder), "--n", "1", "--out", str(tmp_path / "out")]) == 0
    assert json.loads((tmp_path / "out" / "outcome.json").read_text())["same_text"] == 1.0


def test_mistakes_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = ["--out", str(tmp_path)]
    assert main(["depth", "fit", "--preset", "clam", *out]) == 2
    assert "unknown preset 'clam'" in capsys.readouterr().err
    assert main(["depth", "calibrate", str(tmp_path)]) == 2
    assert "holds no fit.json" in capsys.readouterr().err


def test_presets_name_their_source() -> None:
    for preset in PRESETS.values():
        assert preset.source
        assert preset.decider().state() == {}


def test_the_table_by_hand() -> None:
    outcome = Outcome(3.5, 1.0, 1.0, 0.5, 0.5, 1.25, 80.0)
    rows = [Row("a", "s", "lossless", outcome, ""), Row("b", "t", "none", None, "cannot")]
    lines = as_table(rows, 6).splitlines()
    assert lines[2] == "| a | s | 3.50 of 6 | 100% | 100% | 50% | 1.25 | lossless |  |"
    assert lines[3] == "| b | t | - | - | - | - | - | none | cannot |"


@pytest.mark.slow
@pytest.mark.usefixtures("shipped")
def test_every_preset_gets_a_row(tmp_path: Path) -> None:
    sizes = ["--n", "9", "--calibrate", "3", "--test", "1", "--steps", "3"]
    assert main(["depth", "compare", *sizes, "--max-new-tokens", "24", "--out", str(tmp_path)]) == 0
    rows = json.loads((tmp_path / "comparison.json").read_text())
    assert [row["name"] for row in rows] == ["full model", "draft & verify", *PRESETS]
    for row in rows:
        if row["guarantee"] == "lossless" and row["outcome"]:
            assert row["outcome"]["same_text"] == 1.0
    assert sum(row["outcome"] is not None for row in rows) > 8

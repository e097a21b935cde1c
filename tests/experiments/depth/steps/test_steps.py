import json
from pathlib import Path

import pytest

from probexit.exits.depth.controller import DepthController
from probexit.experiments.commands.cli import main
from probexit.experiments.depth.compare import DepthRow, as_table
from probexit.experiments.depth.folder import FittedRule
from probexit.experiments.depth.prepare import SOURCES
from probexit.experiments.depth.presets import PRESETS
from probexit.experiments.depth.race import OWN, PLAIN, Speed
from probexit.experiments.depth.regret import OracleDepth
from probexit.experiments.depth.run import DepthOutcome

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
    assert FittedRule.load(folder).used == 12
    capsys.readouterr()
    assert main(["depth", "run", str(folder), "--n", "1", "--out", str(out), "--json"]) == 0
    told = capsys.readouterr()
    outcome = json.loads((out / "outcome.json").read_text())
    assert json.loads(told.out) == outcome
    assert outcome["same_text"] == 1.0
    assert outcome["depth"] == 6.0
    assert "<span" in (out / "heat_map.html").read_text()
    assert (out / "exits.png").stat().st_size > 1000
    assert "same answer" in told.err


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
    measured = Speed(1.25, 1.2, 1.3)
    outcome = DepthOutcome(3.5, 1.0, 1.0, 0.5, 0.5, measured, measured, 80.0)
    rows = [
        DepthRow("a", "s", "lossless", outcome, 1.3, "", OracleDepth(2.25, 2.5)),
        DepthRow("b", "t", "none", None, 0.0, "cannot"),
    ]
    lines = as_table(rows, 6).splitlines()
    assert lines[2].startswith(
        "| a | s | 3.50 of 6 | +1.25 | 100% | 100% | 50% | 1.25 [1.20, 1.30] | 1.30 "
    )
    assert lines[3] == "| b | t | - | - | - | - | - | - | - | none | cannot |"


TINY = [*SMALL, "--calibrate", "3", "--test", "1"]


@pytest.mark.usefixtures("shipped")
def test_the_bench_measures_and_checks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ["--presets", "layerskip,probe-catch-up"]
    out = ["--check", "2", "--out", str(tmp_path)]
    assert main(["depth", "bench", *TINY, *names, *out]) == 0
    said = capsys.readouterr().out
    assert "layerskip: 2 of 2 texts identical" in said
    assert "section 4: acceptance" in said
    made = json.loads((tmp_path / "bench.json").read_text())
    spec, lossy = made["measured"]
    assert spec["outcome"]["same_text"] == 1.0
    assert spec["foretold"] > 0
    assert lossy["guarantee"].startswith("none: ")  # three problems certify nothing
    assert lossy["outcome"]["depth"] < 6  # it runs at its strictest threshold all the same
    for name in ("layerskip", "probe-catch-up"):
        assert "<span" in (tmp_path / f"heat_map_{name}.html").read_text()
        assert (tmp_path / f"exits_{name}.png").is_file()


@pytest.mark.usefixtures("shipped")
def test_what_is_prepared_is_not_made_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from probexit.experiments.depth.prepare import Workshop

    command = ["depth", "compare", *TINY, "--presets", "layerskip", "--out", str(tmp_path)]
    assert main([*command, "--prepare"]) == 0
    assert "layerskip: lossless" in capsys.readouterr().out
    assert not (tmp_path / "comparison.md").exists()
    monkeypatch.setattr(Workshop, "_made", None)  # fails if it is called
    assert main(command) == 0
    assert "| layerskip | 2404.16710 |" in (tmp_path / "comparison.md").read_text()
    assert main([*command, "--n", "10"]) == 2
    assert "choose another --out" in capsys.readouterr().err
    about = tmp_path / "rules/layerskip/about.json"
    about.write_text(json.dumps(json.loads(about.read_text()) | {"fitted": "yes"}))
    assert main(command) == 2  # a changed file is named
    assert "about.json.fitted" in capsys.readouterr().err


@pytest.mark.usefixtures("shipped")
def test_a_fit_that_was_interrupted_is_not_taken_for_the_controller_beside_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["depth", "fit", *SMALL, "--preset", "layerskip", "--out", str(tmp_path)]
    assert main(command) == 0
    before = (tmp_path / "depth.json").read_bytes()

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(DepthController, "save", killed)
    assert main([*command, "--seed", "5", "--steps", "3"]) == 130
    assert (tmp_path / "depth.json").read_bytes() == before  # what was there is not lost
    assert main(["depth", "run", str(tmp_path), "--n", "1", "--out", str(tmp_path / "o")]) == 2
    assert "not of one fit" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.usefixtures("shipped")
def test_a_stop_is_calibrated_beside_the_exits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, small = str(tmp_path / "rule"), ["--n", "30", "--steps", "3", "--max-new-tokens", "120"]
    assert main(["depth", "fit", *small, "--preset", "sec", "--out", folder]) == 0
    lax = ["--n", "10", "--alpha", ".6", "--delta", ".5"]
    assert main(["depth", "calibrate", folder, *lax]) == 0
    assert "stop at" in capsys.readouterr().out
    controller = DepthController.load(folder)
    assert controller.rule.decider.stop_threshold < 1  # type: ignore[attr-defined]
    assert controller.certificate["stop"]["n"] == 5
    assert "Of the stop:" in controller.certificate["statement"]
    assert main(["depth", "calibrate", folder, *lax]) == 0  # again, on other problems


@pytest.mark.slow
@pytest.mark.usefixtures("shipped")
def test_every_preset_gets_a_row(tmp_path: Path) -> None:
    assert main(["depth", "compare", *TINY, "--out", str(tmp_path)]) == 0
    rows = json.loads((tmp_path / "comparison.json").read_text())
    assert [row["name"] for row in rows] == [PLAIN, OWN, *SOURCES]
    assert (tmp_path / "agreement.png").is_file()
    for row in rows:
        if row["guarantee"] == "lossless" and row["outcome"]:
            assert row["outcome"]["same_text"] == 1.0
    assert sum(row["outcome"] is not None for row in rows) > 8

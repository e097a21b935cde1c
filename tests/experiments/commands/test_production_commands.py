"""The commands around a decision log, from a recording to a re-calibrated controller."""

import json
from pathlib import Path

import pytest

from probexit.experiments.commands.cli import main

pytestmark = pytest.mark.slow


def test_record_audit_watch_recalibrate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, log = tmp_path / "run", tmp_path / "log.jsonl"
    assert main(["record", "--task", "arith", "--n", "100", "--out", str(run)]) == 0
    assert main(["fit", str(run), "--layers", "4"]) == 0
    assert main(["calibrate", str(run), "--alpha", ".3"]) == 0
    controller = ["--controller", str(run / "controller")]
    serve = ["audit", *controller, "--task", "arith", "--rate", ".5", "--log", str(log)]
    assert main([*serve, "--n", "20"]) == 0
    first = log.read_text()
    assert main([*serve, "--n", "40"]) == 0
    assert log.read_text().startswith(first)  # resumed, nothing served twice
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert len({line["request"] for line in lines}) == len(lines) == 40
    capsys.readouterr()
    assert main(["watch", str(log), "--run", str(run)]) == 0
    assert "40, " in capsys.readouterr().out
    new = tmp_path / "new"
    assert main(["recalibrate", str(log), *controller, "--out", str(new), "--alpha", ".4"]) == 0
    assert "audited requests" in capsys.readouterr().out
    assert main(["watch", str(log), "--run", str(run), "--controller", str(new)]) == 2
    assert "no line of controller" in capsys.readouterr().err
    assert main(["plan", "--run", str(run)]) == 0
    assert "pilot run" in capsys.readouterr().out

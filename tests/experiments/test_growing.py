"""A run that grows: nothing fitted calibrates, and calibrating again is a further look."""

from pathlib import Path

from probexit.experiments.commands.cli import main
from probexit.experiments.fitting.fit import fitted_problems, splits_of
from probexit.experiments.recording.run import Run
from probexit.experiments.risk_control.looks import read


def test_a_grown_run_keeps_its_fitted_problems_apart(tmp_path: Path) -> None:
    def call(line: str) -> None:
        assert main([*line.split(), str(tmp_path)]) == 0

    record = "record --task arith --temperature 0 --max-new-tokens 200 --n {} --out"
    call(record.format(16))
    call("fit --layers 6")
    call("calibrate --alpha .3")
    call("calibrate --alpha .3")
    before, shares = splits_of(Run(tmp_path)), Run(tmp_path).manifest.shares
    call(record.format(24))
    call("calibrate --alpha .3")
    after = splits_of(Run(tmp_path))
    names = [{t.problem for t in part.calibrate} for part in (before, after)]
    assert names[0] < names[1]
    assert not names[1] & set(fitted_problems(Run(tmp_path)))
    assert Run(tmp_path).manifest.shares == shares
    assert [look.number for look in read(tmp_path / "looks.jsonl")] == [1, 2]
    assert main([*record.format(28).split(), str(tmp_path), "--shares", ".2,.5"]) == 2

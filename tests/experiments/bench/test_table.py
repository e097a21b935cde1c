"""The table keeps what was measured, run after run; the command refuses what is not there."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from probexit.calibration.statistics.intervals import Interval
from probexit.experiments.bench.__main__ import main, run
from probexit.experiments.bench.base import Benchmark, Measurement, spread
from probexit.experiments.bench.table import Table
from probexit.hooks.models import Reasoner, Source, load


@pytest.fixture(scope="module")
def reasoner() -> Reasoner:
    return load(Source())


@dataclass(frozen=True)
class Guessed(Benchmark):
    """Yields two lines and measures nothing."""

    def measure(self, reasoner: Reasoner) -> Iterator[Measurement]:
        for case in ("one", "two"):
            yield Measurement(case, Interval(2.0, 1.5, 2.5), "a over b", 3, {"same": True})


def test_lines_of_every_run_are_kept(tmp_path: Path, reasoner: Reasoner) -> None:
    table = Table(tmp_path / "bench.jsonl")
    run({"guessed": Guessed()}, reasoner, table)
    with table.file.open("a") as out:
        out.write('{"benchmark": "gue')  # killed in the middle of a line
    run({"guessed": Guessed()}, reasoner, table)
    lines = [json.loads(line) for line in table.file.read_text().splitlines()]
    assert [line["case"] for line in lines] == ["one", "two"] * 2
    first = lines[0]
    assert (first["ratio"], first["low"], first["high"]) == (2.0, 1.5, 2.5)
    assert {"machine", "versions", "parameters", "time"} <= first.keys()
    assert (first["device"], first["facts"]) == ("cpu", {"same": True})


def test_a_line_to_read(tmp_path: Path, reasoner: Reasoner) -> None:
    case = "4000 tokens, 20 cues, cropped copies of the cache"  # the longest there is
    made = Measurement(case, Interval(2.0, 1.5, 2.5), "a over b", 3, {"share": 0.25, "same": True})
    line = Table(tmp_path / "bench.jsonl").add("guessed", made, reasoner)
    assert line.split(case)[1].startswith(" ")
    assert line.endswith(" 2.000 [1.500, 2.500]  a over b; share 0.250, same True")


def test_another_file_is_left_alone(tmp_path: Path, reasoner: Reasoner) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("my notes\n")
    with pytest.raises(ValueError, match="choose another --out"):
        run({"guessed": Guessed()}, reasoner, Table(file))
    assert file.read_text() == "my notes\n"


@pytest.mark.parametrize(
    ("given", "said"),
    [(["nonsense"], "unknown benchmark 'nonsense'"), (["--device", "cuda:9"], "--device cuda:9: ")],
)
def test_what_is_not_there_is_refused(
    given: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*given, "--out", str(tmp_path / "bench.jsonl")]) == 2
    assert said in capsys.readouterr().err


def test_the_spread_of_ratios() -> None:
    assert spread([3.0, 1.0, 2.0]) == Interval(2.0, 1.0, 3.0)
    with pytest.raises(ValueError, match="at least 1 round"):
        spread([])

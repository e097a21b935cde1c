"""Whatever happened to a run's files, reading them says which one and what to do."""

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from probexit.exits.engines.decoding import Decoding
from probexit.exits.production.log import Decision, DecisionLog, read
from probexit.experiments.commands.cli import main
from probexit.experiments.evaluation.live_run import results_of
from probexit.experiments.recording.record import Recorder
from probexit.experiments.recording.run import Run
from probexit.experiments.recording.tasks.jsonl import Jsonl
from probexit.experiments.risk_control.looks import read as read_looks
from probexit.hooks.cues.hesitation import Hesitation
from probexit.hooks.models import Reasoner

Mutation = Callable[[bytes, random.Random], bytes]


@pytest.fixture(scope="module")
def recorded(greedy_run: Run, shipped: Reasoner, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of three shards."""
    from probexit.experiments.recording.tasks.by_name import task

    run = Run(tmp_path_factory.mktemp("damage") / "run")
    run.begin(greedy_run.manifest)
    recorder = Recorder(shipped, task("arith:easy"), Hesitation(), (6,), Decoding(160))
    recorder.record(run, 6, 2)
    return run


@pytest.fixture
def run(recorded: Run, tmp_path: Path) -> Run:
    shutil.copytree(recorded.folder, tmp_path / "run")
    return Run(tmp_path / "run")


def flipped(content: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(content))
    return content[:at] + bytes([content[at] ^ (1 << rng.randrange(8))]) + content[at + 1 :]


def cut(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randrange(len(content))]


def doubled(content: bytes, rng: random.Random) -> bytes:
    return content * 2


def marked(content: bytes, rng: random.Random) -> bytes:
    return b"\xef\xbb\xbf" + content


def pickled(content: bytes, rng: random.Random) -> bytes:
    return (
        b"\x80\x04\x95\x1b\x00\x00\x00\x00\x00\x00\x00\x8c\x08builtins\x94\x8c\x04exec\x94\x93\x94."
    )


def deep(content: bytes, rng: random.Random) -> bytes:
    return b"[" * 100_000 + b"]" * 100_000


MUTATIONS: tuple[Mutation, ...] = (flipped, cut, doubled, marked, pickled, deep)


def survives(reading: Callable[[], object]) -> None:
    """Read; only a ValueError of one line, which says what to do, may come out."""
    said = ": "
    try:
        reading()
    except ValueError as error:
        said = str(error)
    assert "\n" not in said
    assert ": " in said


@pytest.mark.parametrize("mutate", MUTATIONS)
@pytest.mark.parametrize("pattern", ["manifest.json", "shards/*.parquet", "shards/*.safetensors"])
def test_a_damaged_run_is_a_sentence(pattern: str, mutate: Mutation, run: Run) -> None:
    file = sorted(run.folder.glob(pattern))[0]
    content, rng = file.read_bytes(), random.Random(pattern)
    for _ in range(8 if mutate in (flipped, cut) else 1):
        file.write_bytes(mutate(content, rng))
        survives(run.traces)
        survives(lambda: run.manifest)


@pytest.mark.parametrize(
    "value", [None, True, -1, 1e400, "x", [], {}, [[]], "a" * 10_000, 10**30, float("nan")]
)
def test_a_manifest_with_other_values_is_a_sentence(value: object, run: Run) -> None:
    file = run.folder / "manifest.json"
    data = json.loads(file.read_text())
    for field in data:
        file.write_text(json.dumps(data | {field: value}))
        survives(lambda: run.manifest)
        file.write_text(json.dumps({k: v for k, v in data.items() if k != field}))
        survives(lambda: run.manifest)
    for field in data["decoding"]:
        file.write_text(json.dumps(data | {"decoding": data["decoding"] | {field: value}}))
        survives(lambda: run.manifest)


def test_a_copy_of_a_shard_is_no_shard(run: Run) -> None:
    first = run.shards / "shard-00000.parquet"
    shutil.copy(first, run.shards / "shard-00000-old.parquet")
    with pytest.raises(ValueError, match=r"shard-00000-old\.parquet is no file of this run: move"):
        run.traces()


def test_a_missing_shard_is_named(run: Run) -> None:
    (run.shards / "shard-00001.parquet").unlink()
    with pytest.raises(ValueError, match=r"shard-00001\.parquet is missing: put it back"):
        run.traces()


def test_a_shard_under_another_number_counts_no_problem_twice(run: Run) -> None:
    for file in run.shards.glob("shard-00000*"):
        shutil.copy(file, run.shards / file.name.replace("00000", "00003"))
    with pytest.raises(ValueError, match="twice"):
        run.traces()


def test_swapped_tensors_are_noticed(run: Run) -> None:
    a, b = (run.shards / f"shard-0000{i}-2.safetensors" for i in (0, 1))
    kept = a.read_bytes()
    a.write_bytes(b.read_bytes())
    b.write_bytes(kept)
    with pytest.raises(ValueError, match="holds the tensors of other problems: delete both files"):
        run.traces()


def test_a_task_file_that_changed_under_the_same_ids_is_refused(
    greedy_run: Run, shipped: Reasoner, tmp_path: Path
) -> None:
    file, run = tmp_path / "mine.jsonl", Run(tmp_path / "run")
    line = {"id": "a", "question": "Start with 5. (1) add 1. Work modulo 23. What is the result?"}
    file.write_text(json.dumps(line | {"answer": "6"}))
    run.begin(greedy_run.manifest)

    def record() -> None:
        Recorder(shipped, Jsonl(file), Hesitation(), (6,), Decoding(96)).record(run, 1, 1)

    record()
    record()  # the same again is no other
    file.write_text(json.dumps(line | {"answer": "7"}))
    with pytest.raises(ValueError, match="has its file changed"):
        record()


def test_files_of_a_run_have_one_mode(recorded: Run) -> None:
    files = [f for f in recorded.folder.rglob("*") if f.is_file() and not f.name.startswith(".")]
    assert len({f.stat().st_mode for f in files}) == 1


LINE = Decision("r1", "c", (0.5,), None, None, 0, False, 12).to_line()


@pytest.mark.parametrize(
    "text", ["all my notes", "first line\nsecond, cut", '{"a": 1}\n', "\x00\x01", "[" * 5000]
)
def test_a_file_that_is_no_log_is_not_touched(text: str, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text(text)
    with pytest.raises(ValueError, match="decision log"):
        DecisionLog(file)
    assert file.read_text() == text


def test_a_cut_line_behind_decisions_is_taken_away(tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    file.write_text(LINE + LINE[:30])
    assert len(list(DecisionLog(file))) == 1
    assert file.read_text() == LINE
    file.write_text(LINE[:30])  # the very first was cut
    assert list(DecisionLog(file)) == []


@pytest.mark.parametrize("mutate", MUTATIONS)
def test_damaged_lines_are_a_sentence(mutate: Mutation, tmp_path: Path) -> None:
    rng = random.Random(1)
    for _ in range(20):
        for name, reading in {
            "l": read,
            "r": lambda f: results_of(f).mend(),
            "k": read_looks,
        }.items():
            file = tmp_path / name
            file.write_bytes(mutate(LINE.encode() * 2, rng))
            survives(lambda file=file, reading=reading: reading(file))  # type: ignore[misc]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"question": "a\\ud800", "answer": "1"}', "half a surrogate pair"),
        (b'{"question": "a", "answer": NaN}', "NaN is no number"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"question": "a\xff"}', "not UTF-8"),
    ],
)
def test_a_line_of_a_task_that_cannot_be_recorded_is_named(
    line: bytes, said: str, tmp_path: Path
) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_bytes(b'\xef\xbb\xbf{"question": "q", "answer": "1"}\r\n' + line)
    with pytest.raises(ValueError, match=rf"mine\.jsonl:2: .*{said}"):
        list(Jsonl(file).items())


def test_a_file_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import gzip

    from probexit.experiments.recording.tasks import source

    monkeypatch.setattr(source, "LARGEST", 1 << 20)
    file = tmp_path / "bomb.jsonl.gz"
    file.write_bytes(gzip.compress(b" " * (1 << 21)))
    with pytest.raises(ValueError, match="holds more than 1 MiB: split it"):
        list(Jsonl(file).items())


@pytest.mark.parametrize(
    "flag", [("--answer-tokens", "0"), ("--temperature", "inf"), ("--max-new-tokens", "0")]
)
def test_numbers_that_cannot_be_are_refused(
    flag: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["record", "--task", "arith", "--n", "1", "--out", str(tmp_path / "run"), *flag]
    assert main(arguments) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1

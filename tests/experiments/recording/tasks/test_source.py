import gzip
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from probexit.experiments.recording.tasks.source import Hub, SourceRow, read

HUB = Hub("someone/problems", "test", "main")


def test_blank_lines_are_skipped_but_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}\r\n\n  \n{"a": 2}\n')
    assert [(row.place, row.fields) for row in read(path)] == [
        (f"{path}:1", {"a": 1}),
        (f"{path}:4", {"a": 2}),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"a": 1}\n{"a": 1\n', r"a\.jsonl:2: not JSON: Expecting ',' delimiter at column 8"),
        (b'{"a": 1}\n[1, 2]\n', r"a\.jsonl:2: not a JSON object but list"),
        (b'{"a": 1}\n\n{"a": "\xff"}\n', r"a\.jsonl:3: not UTF-8 text"),
        (b"\n \n", r"a\.jsonl: the file holds no problems"),
        (gzip.compress(b'{"a": 1}' * 99, mtime=0)[:-9], r"cannot read .*a\.jsonl"),
        (b"\x1f\x8bnot gzip at all", r"cannot read .*a\.jsonl"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        read(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["missing.jsonl", "."])
def test_a_path_that_is_no_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"cannot read .*: (No such file|Is a directory)"):
        read(tmp_path / name)


def test_fields_as_text() -> None:
    row = SourceRow(
        "f:7", {"n": 42, "x": 0.5, "s": " a ", "null": None, "flag": True, "empty": " "}
    )
    assert [row.text(name) for name in ("n", "x", "s")] == ["42", "0.5", "a"]
    assert row.text("null", "n") == "42"
    for name, message in [("null", "no 'null' field"), ("flag", "True, not"), ("empty", "empty")]:
        with pytest.raises(ValueError, match=rf"^f:7: .*{message}"):
            row.text(name)


def test_hub_without_datasets_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(ValueError, match=r"--data FILE.*pip install 'probexit\[record\]'"):
        HUB.rows()


def stand_in(monkeypatch: pytest.MonkeyPatch, load: Callable[..., object]) -> None:
    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=load))


def test_hub_out_of_reach_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(*_: object, **__: object) -> object:
        raise ConnectionError("Couldn't reach it\nwith a long story")

    stand_in(monkeypatch, load)
    with pytest.raises(ValueError, match=r"someone/problems .*Couldn't reach it\).*--data FILE$"):
        HUB.rows()


def test_hub_rows_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def load(*names: str, split: str) -> object:
        asked.append((*names, split))
        return [{"a": 1}, {"a": 2}]

    stand_in(monkeypatch, load)
    assert HUB.rows()[1] == SourceRow("someone/problems row 1", {"a": 2})
    assert asked == [("someone/problems", "main", "test")]

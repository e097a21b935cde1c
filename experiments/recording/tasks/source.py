"""Where a task's rows come from: a local file of JSON lines, or a data set of the hub."""

import codecs
import gzip
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_GZIP = b"\x1f\x8b"
LARGEST = 1 << 29
"""Bytes of a task file, unpacked."""


@dataclass(frozen=True)
class SourceRow:
    """One record and where it stands.

    Attributes:
        place: For error messages: file and line, or data set and row.
        fields: The record.
    """

    place: str
    fields: Mapping[str, Any]

    def value(self, *names: str) -> Any:
        """Return the first of the named fields that the record has.

        Raises:
            ValueError: if it has none of them.
        """
        for name in names:
            if self.fields.get(name) is not None:
                return self.fields[name]
        wanted = " or ".join(repr(name) for name in names)
        raise self.error(f"no {wanted} field (it has {', '.join(self.fields) or 'no fields'})")

    def text(self, *names: str) -> str:
        """Return the first of the named fields as text; a number is written out.

        Raises:
            ValueError: if there is none, it is empty, or it is neither text nor a number.
        """
        value = self.value(*names)
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise self.error(f"{names[0]!r} is {value!r}, not text or a number")
        if not str(value).strip():
            raise self.error(f"{names[0]!r} is empty")
        return str(value).strip()

    def error(self, problem: str) -> ValueError:
        """Make the error that names this place."""
        return ValueError(f"{self.place}: {problem}")


@dataclass(frozen=True)
class Hub:
    """A data set of the Hugging Face hub."""

    path: str
    split: str
    config: str | None = None

    def rows(self) -> list[SourceRow]:
        """Download the data set, or take it from the local cache.

        Raises:
            ValueError: if ``datasets`` is not installed, or the data set cannot be had.
        """
        try:
            from datasets import load_dataset
        except ImportError as error:
            raise ValueError(
                f"no --data FILE given, and fetching {self.path} from the hub needs datasets: "
                "pip install 'probexit[record]'"
            ) from error
        try:
            data = load_dataset(self.path, self.config, split=self.split)
        except (OSError, ValueError, RuntimeError) as error:
            reason = str(error).partition("\n")[0]
            raise ValueError(
                f"cannot fetch {self.path} from the hub ({reason}): pass a local copy, --data FILE"
            ) from error
        return [SourceRow(f"{self.path} row {n}", dict(record)) for n, record in enumerate(data)]


def read(path: Path) -> list[SourceRow]:
    """Read a file of JSON lines, plain or gzipped; blank lines are skipped.

    Raises:
        ValueError: if the file is missing, empty or damaged, or a line (named by its number) is
            not a JSON object.
    """
    lines = _content(path).split(b"\n")
    rows = [_row(f"{path}:{n}", line) for n, line in enumerate(lines, 1) if line.strip()]
    if not rows:
        raise ValueError(f"{path}: the file holds no problems")
    return rows


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            zipped = file.read(2) == _GZIP
        with gzip.open(path) if zipped else path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(
            f"cannot read {path}: {getattr(error, 'strerror', '') or error}"
        ) from error
    if len(content) > LARGEST:
        raise ValueError(f"{path} holds more than {LARGEST >> 20} MiB: split it")
    return content.removeprefix(codecs.BOM_UTF8)


def _row(place: str, line: bytes) -> SourceRow:
    try:
        record = json.loads(line, parse_constant=_refuse_constant)
        json.dumps(record, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError(f"{place}: nested too deeply") from error
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{place}: half a surrogate pair ({error.object[error.start]!r}), which is no text: "
            "write the character itself, or leave it out"
        ) from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{place}: not UTF-8 text (byte {error.start})") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"{place}: not JSON: {error.msg} at column {error.colno}") from error
    if not isinstance(record, dict):
        raise ValueError(f"{place}: not a JSON object but {type(record).__name__}")
    return SourceRow(place, record)


def _refuse_constant(name: str) -> Any:
    raise json.JSONDecodeError(f"{name} is no number", name, 0)

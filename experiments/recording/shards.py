"""Store traces shard by shard: tensors in safetensors, everything a reader searches in parquet.

A shard counts once its parquet file stands under its final name, and that file is renamed last.
It tells how many traces there are, and the tensor file's name says so too: a shard that is extended
gets a new tensor file beside the old one. A run killed at any instant therefore leaves whole shards
and, at worst, files nobody reads.
"""

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from probexit.exits.trace import Trace
from probexit.experiments.recording.shard_layout import (
    TRACE_FIELDS,
    fit_together,
    missing_columns,
    rows_of,
    starts,
    tensors_of,
    traces_from,
)
from probexit.experiments.recording.tasks.base import Item

RECORD_AGAIN = "delete both files of the shard and run the same `probexit record` again"
_OURS = re.compile(r"shard-\d{5}(\.parquet|-\d+\.safetensors)(\.tmp)?|\..*")


def index_file(folder: Path, number: int) -> Path:
    """Return the parquet file of a shard."""
    return folder / f"shard-{number:05d}.parquet"


def tensor_file(folder: Path, number: int, traces: int) -> Path:
    """Return the safetensors file of a shard of so many traces."""
    return folder / f"shard-{number:05d}-{traces}.safetensors"


def write_shard(folder: Path, number: int, traces: Sequence[Trace]) -> None:
    """Write a shard; nothing changes for readers until it is whole.

    Raises:
        OSError: if it cannot be written (a full disk); what was there before is intact.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    tensors, index = tensor_file(folder, number, len(traces)), index_file(folder, number)
    table = pa.Table.from_pylist(rows_of(traces))
    made_for = {"items": items_digest(trace.problem for trace in traces)}
    _replace(tensors, lambda tmp: _save(tensors_of(traces), tmp, made_for))
    _replace(index, lambda tmp: pq.write_table(table, tmp))
    for stale in set(folder.glob(f"shard-{number:05d}[-.]*")) - {tensors, index}:
        stale.unlink()


def items_digest(problems: Iterable[str]) -> str:
    """Return what a shard's tensors are signed with: a hash of its problems, in order."""
    return hashlib.sha256(json.dumps(list(problems)).encode()).hexdigest()[:32]


def shard_numbers(folder: Path) -> list[int]:
    """Return the numbers of a run's shards, ascending from 0 without a gap.

    Raises:
        ValueError: on a file that only looks like a shard (a copy would count its problems twice),
            or a shard that is missing.
    """
    for file in sorted(folder.glob("*")):
        if not _OURS.fullmatch(file.name):
            raise ValueError(f"{file} is no file of this run: move it out of the folder")
    found = sorted(int(file.stem.split("-")[1]) for file in folder.glob("shard-*.parquet"))
    missing = sorted(set(range(len(found))) - set(found))
    if missing:
        raise ValueError(
            f"{index_file(folder, missing[0])} is missing: put it back, or `probexit record` again "
            "with the same settings fills the gap"
        )
    return found


def read_shard(folder: Path, number: int) -> list[Trace]:
    """Read a shard's traces.

    Raises:
        ValueError: if its files are damaged or not each other's, or an older version of probexit
            recorded it, without some of the columns.
    """
    rows = _index(folder, number)
    problems = [row["problem"] for row in starts(rows)]
    file = tensor_file(folder, number, len(problems))
    data, signed = _load(file)
    if signed not in ("", items_digest(problems)):
        raise ValueError(f"{file} holds the tensors of other problems: {RECORD_AGAIN}")
    if missing := missing_columns(data):
        raise ValueError(f"{folder} was recorded without {missing}: record again with this version")
    if not fit_together(rows, data):
        raise ValueError(
            f"{file} and {index_file(folder, number).name} hold different numbers of cues or "
            f"tokens: {RECORD_AGAIN}"
        )
    return traces_from(rows, data)


def items_in(folder: Path, number: int) -> list[Item]:
    """Return the problems whose traces a shard holds; none if it is not whole."""
    index = index_file(folder, number)
    if not index.is_file():
        return []
    rows = _index(folder, number, ["problem", "rollout", "question", "gold", "cue"])
    begun = starts(rows)
    if not tensor_file(folder, number, len(begun)).is_file():
        return []
    firsts = [row for row in begun if row["rollout"] == 0]
    return [Item(row["problem"], row["question"], row["gold"]) for row in firsts]


def _index(folder: Path, number: int, columns: list[str] | None = None) -> list[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = index_file(folder, number)
    try:
        rows: list[dict[str, Any]] = pq.read_table(file, columns=columns).to_pylist()
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).partition("\n")[0][:200]
        raise ValueError(f"{file} is damaged ({reason}): {RECORD_AGAIN}") from error
    lacking = {"problem", "cue", *(columns or TRACE_FIELDS)} - rows[0].keys() if rows else ()
    if lacking:
        raise ValueError(f"{file} lacks the columns {', '.join(sorted(lacking))}: {RECORD_AGAIN}")
    return rows


def _load(file: Path) -> tuple[dict[str, Tensor], str]:
    """Return a shard's tensors, and what they are signed with ("" by earlier versions).

    The tensors are views of the file, which safetensors maps: what is not read of the states is
    not loaded, and what was read can be given back. A run of 13 GB takes no 13 GB of memory.
    """
    try:
        with safe_open(file, "pt") as opened:
            signed = (opened.metadata() or {}).get("items", "")
            return {name: opened.get_tensor(name) for name in opened.keys()}, signed  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        reason = str(error).partition("\n")[0][:200]
        raise ValueError(f"{file} is damaged ({reason}): {RECORD_AGAIN}") from error


def _save(data: dict[str, Tensor], file: Path, made_for: dict[str, str]) -> None:
    try:
        save_file(data, file, made_for)
    except SafetensorError as error:  # what safetensors makes of a full disk
        raise OSError(f"cannot write {file}: {error}") from error


def _replace(file: Path, write: Callable[[Path], None]) -> None:
    tmp = file.with_name(f"{file.name}.tmp")
    try:
        tmp.touch()
        mode = tmp.stat().st_mode
        write(tmp)
        os.chmod(tmp, mode)  # safetensors writes files that only their owner may read
        os.replace(tmp, file)
    except BaseException:
        tmp.unlink(missing_ok=True)
        raise

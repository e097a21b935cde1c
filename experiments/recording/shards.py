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
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from probexit.exits.trace import GradedCues, Trace
from probexit.experiments.recording.tasks.base import Item

_CUE_COLUMNS = (
    "positions",
    "hidden",
    "entropy",
    "top_logprobs",
    "end_logprob",
    "step_hidden",
    "answer_ids",
    "answer_logprobs",
    "answer_entropies",
)
_OPTIONAL = ("sampled_right", "heads")
_TOKEN_COLUMNS = ("prompt_ids", "token_ids", "logprobs", "entropies", "confidences")
_OPTIONAL_TOKENS = ("thinking_hidden",)
_TRACE_FIELDS = (
    "problem",
    "rollout",
    "thinking",
    "finished",
    "answer",
    "correct",
    "gold",
    "question",
    "begins",
)
RECORD_AGAIN = "delete both files of the shard and run the same `probexit record` again"
_OURS = re.compile(r"shard-\d{5}(\.parquet|-\d+\.safetensors)(\.tmp)?|\..*")
START = -1  # the row of the forced exit before any thinking


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
    table = pa.Table.from_pylist([row for trace in traces for row in _rows(trace)])
    made_for = {"items": items_digest(trace.problem for trace in traces)}
    _replace(tensors, lambda tmp: _save(_tensors(traces), tmp, made_for))
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
    problems = [row["problem"] for row in rows if row["cue"] == START]
    file = tensor_file(folder, number, len(problems))
    data, signed = _load(file)
    if signed not in ("", items_digest(problems)):
        raise ValueError(f"{file} holds the tensors of other problems: {RECORD_AGAIN}")
    missing = [name for name in (*_CUE_COLUMNS, *_TOKEN_COLUMNS) if name not in data]
    if missing:
        raise ValueError(f"{folder} was recorded without {missing}: record again with this version")
    if _counts(rows) != data["rows"].tolist() or not _whole(data, len(problems)):
        raise ValueError(
            f"{file} and {index_file(folder, number).name} hold different numbers of cues or "
            f"tokens: {RECORD_AGAIN}"
        )
    names = (*_CUE_COLUMNS, *(name for name in _OPTIONAL if name in data))
    traces: list[Trace] = []
    at = 0
    columns = [*_TOKEN_COLUMNS, *(name for name in _OPTIONAL_TOKENS if name in data)]
    tokens = {k: torch.split(data[k], data[f"{k}_length"].tolist()) for k in columns}
    for i, count in enumerate(data["rows"].tolist()):
        part = {name: data[name][at : at + count] for name in names}
        own = {name: column[i] for name, column in tokens.items()}
        traces.append(_trace(own, part, rows[at : at + count]))
        at += count
    return traces


def items_in(folder: Path, number: int) -> list[Item]:
    """Return the problems whose traces a shard holds; none if it is not whole."""
    index = index_file(folder, number)
    if not index.is_file():
        return []
    rows = _index(folder, number, ["problem", "rollout", "question", "gold", "cue"])
    starts = [row for row in rows if row["cue"] == START]
    if not tensor_file(folder, number, len(starts)).is_file():
        return []
    firsts = [row for row in starts if row["rollout"] == 0]
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
    lacking = {"problem", "cue", *(columns or _TRACE_FIELDS)} - rows[0].keys() if rows else ()
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


def _counts(rows: list[dict[str, Any]]) -> list[int]:
    """Count the rows of each trace: each begins with the forced exit before any thinking."""
    starts = [i for i, row in enumerate(rows) if row["cue"] == START]
    return [b - a for a, b in pairwise([*starts, len(rows)])] if starts[:1] == [0] else []


def _whole(data: dict[str, Tensor], traces: int) -> bool:
    """Tell whether every column has as many rows as the others say."""
    cues = int(data["rows"].sum())
    by_cue = [*_CUE_COLUMNS, *(name for name in _OPTIONAL if name in data)]
    by_token = [*_TOKEN_COLUMNS, *(name for name in _OPTIONAL_TOKENS if name in data)]
    tokens = (data.get(f"{name}_length", torch.empty(0)) for name in by_token)
    return (
        all(len(data[name]) == cues for name in by_cue)
        and all(len(lengths) == traces for lengths in tokens)
        and all(len(data[n]) == int(data[f"{n}_length"].sum()) for n in by_token)
    )


def _rows(trace: Trace) -> list[dict[str, Any]]:
    """One row per forced exit, the trace's own fields repeated on each."""
    own = {name: getattr(trace, name) for name in _TRACE_FIELDS}
    rows = []
    for cue, part in _parts(trace):
        agrees = bool(trace.agrees[cue]) if cue != START else False
        j = max(cue, 0)
        rows.append(
            {
                **own,
                "cue": cue,
                "position": int(part.positions[j]),
                "exit_answer": part.answers[j],
                "exit_correct": bool(part.correct[j]),
                "step": part.steps[j],
                "agrees": agrees,
            }
        )
    return rows


def _parts(trace: Trace) -> list[tuple[int, GradedCues]]:
    """List (cue number, columns that hold it); the start comes first."""
    if trace.start is None:
        raise ValueError(f"trace {trace.problem} has no forced exit before thinking")
    return [(START, trace.start), *((i, trace.cues) for i in range(len(trace.cues)))]


def _tensors(traces: Sequence[Trace]) -> dict[str, Tensor]:
    data: dict[str, Tensor] = {}
    for name in (*_TOKEN_COLUMNS, *_OPTIONAL_TOKENS):
        columns = [getattr(trace, name) for trace in traces]
        if all(column is not None for column in columns):
            data[name] = torch.cat(columns)
            data[f"{name}_length"] = torch.tensor([len(c) for c in columns])
    for name in (*_CUE_COLUMNS, *_OPTIONAL):
        columns = [getattr(p, name) for t in traces for p in (t.start, t.cues) if p is not None]
        if all(column is not None for column in columns):
            data[name] = _stack(columns)
    data["rows"] = torch.tensor([len(trace.cues) + 1 for trace in traces])
    return data


def _stack(columns: list[Tensor]) -> Tensor:
    """Concatenate; ragged answers are padded as the trace's contract says."""
    if columns[0].dim() != 2:
        return torch.cat(columns)
    width = max(column.shape[1] for column in columns)
    fill = -1 if not columns[0].is_floating_point() else 0
    pad = torch.nn.functional.pad
    return torch.cat([pad(c, (0, width - c.shape[1]), value=fill) for c in columns])


def _trace(own: dict[str, Tensor], part: dict[str, Tensor], rows: list[dict[str, Any]]) -> Trace:
    def cues(cut: slice) -> GradedCues:
        chosen = rows[cut]
        return GradedCues(
            **{name: column[cut] for name, column in part.items()},
            answers=tuple(row["exit_answer"] for row in chosen),
            steps=tuple(row["step"] for row in chosen),
            correct=torch.tensor([row["exit_correct"] for row in chosen], dtype=torch.bool),
        )

    agrees = torch.tensor([row["agrees"] for row in rows[1:]], dtype=torch.bool)
    fields: dict[str, Any] = {name: rows[0][name] for name in _TRACE_FIELDS} | own
    return Trace(**fields, agrees=agrees, cues=cues(slice(1, None)), start=cues(slice(0, 1)))


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

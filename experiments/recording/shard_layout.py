"""How traces lie in a shard: a row per forced exit, tensors by name, and back again."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from probexit.exits.trace import GradedCues, Trace

Row = Mapping[str, Any]
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
TRACE_FIELDS = (
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
START = -1  # the row of the forced exit before any thinking


def rows_of(traces: Sequence[Trace]) -> list[dict[str, Any]]:
    """Return one row per forced exit, the trace's own fields repeated on each.

    Raises:
        ValueError: on a trace without a forced exit before its thinking.
    """
    return [row for trace in traces for row in _rows(trace)]


def tensors_of(traces: Sequence[Trace]) -> dict[str, Tensor]:
    """Return what is too large for rows: columns of all cues, and of all tokens, joined."""
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


def missing_columns(data: Mapping[str, Tensor]) -> list[str]:
    """Return the names of tensors that every shard has, and this one has not."""
    return [name for name in (*_CUE_COLUMNS, *_TOKEN_COLUMNS) if name not in data]


def fit_together(rows: Sequence[Row], data: Mapping[str, Tensor]) -> bool:
    """Tell whether rows and tensors are of as many traces, cues and tokens."""
    return _counts(rows) == data["rows"].tolist() and _whole(data, len(starts(rows)))


def starts(rows: Sequence[Row]) -> list[Row]:
    """Return the rows that begin a trace: its forced exit before any thinking."""
    return [row for row in rows if row["cue"] == START]


def traces_from(rows: Sequence[Row], data: Mapping[str, Tensor]) -> list[Trace]:
    """Return the traces of rows and tensors that fit together."""
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


def _rows(trace: Trace) -> list[dict[str, Any]]:
    own = {name: getattr(trace, name) for name in TRACE_FIELDS}
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


def _stack(columns: list[Tensor]) -> Tensor:
    """Concatenate; ragged answers are padded as the trace's contract says."""
    if columns[0].dim() != 2:
        return torch.cat(columns)
    width = max(column.shape[1] for column in columns)
    fill = -1 if not columns[0].is_floating_point() else 0
    pad = torch.nn.functional.pad
    return torch.cat([pad(c, (0, width - c.shape[1]), value=fill) for c in columns])


def _counts(rows: Sequence[Row]) -> list[int]:
    """Count the rows of each trace: each begins with the forced exit before any thinking."""
    at = [i for i, row in enumerate(rows) if row["cue"] == START]
    return [b - a for a, b in pairwise([*at, len(rows)])] if at[:1] == [0] else []


def _whole(data: Mapping[str, Tensor], traces: int) -> bool:
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


def _trace(own: dict[str, Tensor], part: dict[str, Tensor], rows: Sequence[Row]) -> Trace:
    def cues(cut: slice) -> GradedCues:
        chosen = rows[cut]
        return GradedCues(
            **{name: column[cut] for name, column in part.items()},
            answers=tuple(row["exit_answer"] for row in chosen),
            steps=tuple(row["step"] for row in chosen),
            correct=torch.tensor([row["exit_correct"] for row in chosen], dtype=torch.bool),
        )

    agrees = torch.tensor([row["agrees"] for row in rows[1:]], dtype=torch.bool)
    fields: dict[str, Any] = {name: rows[0][name] for name in TRACE_FIELDS} | own
    return Trace(**fields, agrees=agrees, cues=cues(slice(1, None)), start=cues(slice(0, 1)))

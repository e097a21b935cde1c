"""Sizes of a benchmark, changed on the command line."""

from ast import literal_eval
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace

from probexit.experiments.bench.base import Benchmark


def resized(benchmarks: Mapping[str, Benchmark], given: Sequence[str]) -> dict[str, Benchmark]:
    """Change the fields of all benchmarks that have them.

    Args:
        benchmarks: By name.
        given: Each such as "rounds=1" or "batches=(1, 8)".

    Raises:
        ValueError: on a field that none has, or a value that is none of its kind.
    """
    found = dict(benchmarks)
    for text in given:
        field, _, value = text.partition("=")
        having = [name for name, one in found.items() if field in {f.name for f in fields(one)}]
        if not having:
            known = sorted({f.name for one in found.values() for f in fields(one)})
            raise ValueError(f"--set {text}: no such size here; there are {', '.join(known)}")
        for name in having:
            found[name] = replace(found[name], **{field: _value(text, value, found[name], field)})
    return found


def _value(text: str, value: str, benchmark: Benchmark, field: str) -> object:
    before = getattr(benchmark, field)
    try:
        made: object = literal_eval(value)
    except (ValueError, SyntaxError):
        made = None
    if type(made) is not type(before):
        raise ValueError(f"--set {text}: give a value of the kind of {before!r}")
    return made

"""Write a controller's parts to a folder and read them back: JSON and safetensors, no pickle."""

import dataclasses
import json
import math
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

from probexit.exits.policies.base import ExitPolicy
from probexit.exits.signals.base import Signal
from probexit.exits.verifiers.base import Verifier
from probexit.hooks.cues.base import CueSet
from probexit.probes.stored import Stored

CONTRACTS = (CueSet, ExitPolicy, Signal, Stored, Verifier)
_NUMBER = "not finite"  # JSON has no infinity


def describe(part: Any, folder: Path) -> Any:
    """Turn a part into JSON; its probes go to ``folder/probe``, ``folder/probe-2`` and so on.

    All probes of a controller must be in one part, or the next part would write over them.
    """
    names = ("probe" if i == 1 else f"probe-{i}" for i in count(1))
    return _describe(part, folder, names)


def _describe(part: Any, folder: Path, names: Iterator[str]) -> Any:
    if isinstance(part, Stored):
        name = next(names)
        part.save(folder / name)
        return {"probe": _name(part), "folder": name}
    if dataclasses.is_dataclass(part) and not isinstance(part, type):
        fields = dataclasses.fields(part)
        config = {f.name: _describe(getattr(part, f.name), folder, names) for f in fields}
        return {"class": _name(part), "config": config}
    if isinstance(part, tuple):
        return [_describe(item, folder, names) for item in part]
    return part


def restore(data: Any, folder: Path) -> Any:
    """Rebuild what ``describe`` wrote.

    Raises:
        ValueError: if a class is named that is neither part of probexit nor a member of one of
            its families that was imported before, or that no longer fits what was written.
    """
    if isinstance(data, list):
        return tuple(restore(item, folder) for item in data)
    if isinstance(data, dict) and "probe" in data:
        return _class(data["probe"]).load(folder / _plain(data.get("folder", "probe")))
    if isinstance(data, dict) and "class" in data:
        config = {key: restore(value, folder) for key, value in data["config"].items()}
        try:
            return _class(data["class"])(**config)
        except TypeError as error:
            raise ValueError(
                f"another version of probexit wrote this controller: {error}"
            ) from error
    return data


def _plain(name: str) -> str:
    """Let a controller name no folder but those that ``describe`` makes."""
    if not re.fullmatch(r"probe(-\d+)?", name):
        raise ValueError(
            f"this controller keeps a probe in {name!r}: it was not written by probexit"
        )
    return name


def to_json(data: Any) -> str:
    """Write JSON that reads back equal, infinities included."""
    return json.dumps(_finite(data), indent=2, allow_nan=False, default=_refuse) + "\n"


def _refuse(thing: Any) -> Any:
    raise ValueError(
        f"{thing!r} cannot be saved: give a part that is a class, such as a Verifier of your own"
    )


def from_json(text: str) -> Any:
    """Read what ``to_json`` wrote."""
    return json.loads(text, object_hook=lambda d: float(d[_NUMBER]) if _NUMBER in d else d)


def _finite(data: Any) -> Any:
    if isinstance(data, float) and not math.isfinite(data):
        return {_NUMBER: str(data)}
    if isinstance(data, dict):
        return {key: _finite(value) for key, value in data.items()}
    return [_finite(item) for item in data] if isinstance(data, list | tuple) else data


def _name(part: Any) -> str:
    return f"{type(part).__module__}:{type(part).__qualname__}"


def _class(name: str) -> Any:
    """Find a class by name without running code that the artefact chose."""
    module, _, cls = name.partition(":")
    ours = module.startswith("probexit.")
    if ours:
        _import(module)
    found = getattr(sys.modules.get(module), cls, None)
    is_part = isinstance(found, type) and (ours or issubclass(found, CONTRACTS))
    if not is_part or not dataclasses.is_dataclass(found):
        raise ValueError(
            f"this controller uses {name}, which is no cue set, signal, policy or probe of "
            "probexit: if it is one of yours, import its module first"
        )
    return found


def _import(module: str) -> None:
    try:
        import_module(module)
    except ModuleNotFoundError as error:
        raise ValueError(f"this version of probexit has no {module}") from error

"""Save and load a controller of either kind: ``NAME.json`` and its tensors in one folder."""

import math
import re
from pathlib import Path
from typing import Any, TypeVar

from torch import Tensor

from probexit.exits.artefacts.format_1 import PROBE_1, renewed
from probexit.exits.artefacts.parts import describe, rebuild
from probexit.probes.artefacts.folder import forget, opened_artefact, seal, write_artefact
from probexit.probes.artefacts.strict_json import read_json
from probexit.probes.artefacts.tensors import read_tensors

T = TypeVar("T")


def save_controller(controller: Any, folder: Path, name: str) -> None:
    """Write a controller in place of the one there: a reader finds the old or the new one whole.

    Raises:
        ValueError: on a part that could not be found again by its name, such as a local class.
    """
    tensors: dict[str, Tensor] = {}
    write_artefact(folder, name, describe(controller, tensors), tensors)
    forget(folder, _files_1(folder, name))


def load_controller(kind: type[T], folder: Path, name: str, command: str) -> T:
    """Read a controller of format 2 or 1.

    Args:
        kind: The controller's class.
        folder: Where it lies.
        name: The name of its JSON file, without ``.json``.
        command: What writes such a folder; named where another must be made.

    Raises:
        ValueError: naming the file, the field and the remedy, if the folder holds no controller, a
            damaged one, one that was changed, or one with a part that does not belong there.
    """
    file = folder / f"{name}.json"
    if not file.exists() and not file.is_symlink():
        raise ValueError(f"{folder} holds no {name}.json: run `{command}` first")
    remedy = f"run `{command}` again"
    whole = read_json(file, remedy)
    try:
        if type(whole.get("format")) is int and whole["format"] == 1:
            data, tensors = _renewed(whole, folder, name)
        else:
            data, tensors = opened_artefact(file, whole, remedy)
        return rebuild(kind, data, tensors)  # type: ignore[no-any-return]
    except ValueError as error:
        said = str(error)
        raise ValueError(said if str(folder) in said else f"{file}: {said}: {remedy}") from error


def sealed(controller: Any) -> str:
    """Return the hash of a controller's content: its parts by name, configuration and tensors."""
    tensors: dict[str, Tensor] = {}
    digest: str = seal(describe(controller, tensors), tensors)["sha256"]
    return digest


def _renewed(whole: Any, folder: Path, name: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return what a folder of format 1 holds, as format 2 has it."""
    kept = folder / f"{name}.safetensors"
    tensors = read_tensors(kept) if name == "depth" else {}
    data = {
        key: renewed(value, folder, tensors, key) if _is_part(value) else value
        for key, value in whole.items()
        if key != "format"
    }
    data["certificate"] = _certificate(data.get("certificate"))
    return data, tensors


def _files_1(folder: Path, name: str) -> list[str]:
    """Name the files of a controller of format 1 beside its JSON."""
    if name == "depth":
        return ["depth.safetensors"]
    places = [place.name for place in folder.glob("probe*") if re.fullmatch(PROBE_1, place.name)]
    return [f"{place}/probe.{ending}" for place in places for ending in ("json", "safetensors")]


def _is_part(value: Any) -> bool:
    return isinstance(value, dict) and ("class" in value or "probe" in value)


def _certificate(found: Any) -> Any:
    """Undo how format 1 of layer exits wrote infinity."""
    if not isinstance(found, dict):
        return found
    endless = {key: math.inf for key in ("threshold", "problems") if found.get(key) == "inf"}
    return found | endless

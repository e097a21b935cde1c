"""One artefact in a folder: a JSON file and its tensors, replaced together or not at all.

``NAME.json`` names its tensors by their content, ``NAME-HASH.safetensors``. So new tensors are
written beside the old ones, and the JSON file is renamed into its place last: whenever that is
interrupted, a reader finds the old artefact whole or the new one whole. What is no longer named is
deleted afterwards, and other files of the folder are left alone.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from secrets import token_hex
from typing import Any

from torch import Tensor

from probexit.probes.artefacts.strict_json import canonical, read_json, to_json
from probexit.probes.artefacts.tensors import content_hash, read_tensors, tensor_bytes

FORMAT = 2
NEWER = "this version reads formats 1 and 2: install a newer probexit"


def seal(data: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return the whole JSON of an artefact: its format, and hashes of tensors and of itself."""
    whole = {"format": FORMAT, **data, "tensors": content_hash(tensors) if tensors else None}
    return whole | {"sha256": _hash(whole)}


def write_artefact(
    folder: Path, name: str, data: Mapping[str, Any], tensors: Mapping[str, Tensor]
) -> None:
    """Write ``NAME.json`` and its tensors into ``folder``, in place of those there."""
    folder.mkdir(parents=True, exist_ok=True)
    whole = seal(data, tensors)
    text = to_json(whole).encode()  # what cannot be written is refused before anything is
    kept = _tensor_file(name, whole["tensors"]) if tensors else None
    if kept:
        replace_file(folder / kept, tensor_bytes(tensors))
    replace_file(folder / f"{name}.json", text)
    for file in folder.glob(f"{name}-*.safetensors"):
        if file.name != kept and re.fullmatch(rf"{name}-[0-9a-f]{{16}}\.safetensors", file.name):
            file.unlink()


def read_artefact(folder: Path, name: str, remedy: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Read what ``write_artefact`` wrote: its data, and its tensors by name.

    Raises:
        ValueError: naming the file, if one is missing, damaged, or changed since it was written.
    """
    file = folder / f"{name}.json"
    return opened_artefact(file, read_json(file, remedy), remedy)


def opened_artefact(
    file: Path, whole: dict[str, Any], remedy: str
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Check what was read from an artefact's JSON file, and read its tensors.

    Raises:
        ValueError: as ``read_artefact``.
    """
    if type(whole.get("format")) is not int or whole["format"] != FORMAT:
        raise ValueError(f"{file} has format {whole.get('format')!r}; {NEWER}")
    data = {key: value for key, value in whole.items() if key != "sha256"}
    if whole.get("sha256") != _hash(data):
        raise ValueError(
            f"{file} was changed after it was written (sha256): change it in Python and save it, "
            f"or {remedy}"
        )
    del data["format"]
    named = data.pop("tensors", None)
    if named is None:
        return data, {}
    if not isinstance(named, str) or not re.fullmatch("[0-9a-f]{64}", named):
        raise ValueError(f"{file}: tensors = {named!r} is no hash: {remedy}")
    kept = file.with_name(_tensor_file(file.stem, named))
    tensors = read_tensors(kept)
    if content_hash(tensors) != named:
        raise ValueError(f"{kept} holds other tensors than {file} was written with: {remedy}")
    return data, tensors


def replace_file(file: Path, content: bytes) -> None:
    """Put a file in place of the one there at once: readers see the old content or the new."""
    made = file.with_name(f".{file.name}.{token_hex(4)}.tmp")
    try:
        with made.open("xb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        made.replace(file)
    except BaseException:
        made.unlink(missing_ok=True)
        raise


def forget(folder: Path, files: Iterable[str]) -> None:
    """Delete what an older version wrote, and the folders that are empty then."""
    for file in files:
        place = folder / file
        place.unlink(missing_ok=True)
        if place.parent != folder and place.parent.is_dir() and not any(place.parent.iterdir()):
            place.parent.rmdir()


def _tensor_file(name: str, content: str) -> str:
    return f"{name}-{content[:16]}.safetensors"


def _hash(data: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical(data)).hexdigest()

"""Read and write named tensors as safetensors, their sizes checked before anything is made."""

import hashlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor

from probexit.probes.artefacts.strict_json import parse_json, read_bytes

LARGEST = 16 << 30  # bytes: heads of all layers of a large model take some gigabytes
_LONGEST_HEADER = 4 << 20
_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "U8": 1, "BOOL": 1}


def tensor_bytes(tensors: Mapping[str, Tensor]) -> bytes:
    """Return the content of a safetensors file; tensors that share memory are written whole."""
    return save({name: tensor.detach().cpu().clone() for name, tensor in tensors.items()})


def content_hash(tensors: Mapping[str, Tensor]) -> str:
    """Hash names, shapes, types and numbers; not how a release of safetensors lays them out."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name}\0{tensor.dtype}\0{list(tensor.shape)}\0".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def read_tensors(file: Path, largest: int = LARGEST) -> dict[str, Tensor]:
    """Read a safetensors file.

    Raises:
        ValueError: naming the file, if it is unreadable or too long, if its header does not
            describe its bytes exactly, or if it holds numbers that are not finite.
    """
    content = read_bytes(file, largest)
    try:
        _check_header(content)
        tensors: dict[str, Tensor] = load(content)
    except Exception as error:  # the library raises errors of its own besides
        raise ValueError(f"{file} is damaged ({error}): write it again") from error
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise ValueError(f"{file} is damaged ({name!r} is not finite): write it again")
    return tensors


def _check_header(content: bytes) -> None:
    """See that every tensor is of a known type and that together they fill the file."""
    size = int.from_bytes(content[:8], "little")
    if len(content) < 8 or size > min(_LONGEST_HEADER, len(content) - 8):
        raise ValueError("its header is cut off or too long")
    header = parse_json(content[8 : 8 + size])
    if not isinstance(header, dict):
        raise ValueError("its header is no JSON object")
    header.pop("__metadata__", None)
    end = 0
    for entry in sorted(header.values(), key=lambda one: one["data_offsets"]):
        end = _end(entry, end)
    if end != len(content) - 8 - size:
        raise ValueError("its tensors do not fill it")


def _end(entry: dict[str, Any], begin: int) -> int:
    """Return where a tensor that begins at ``begin`` ends."""
    if entry["dtype"] not in _BYTES:
        raise ValueError(f"numbers of type {entry['dtype']!r} are not kept here")
    if any(type(n) is not int or n < 0 for n in entry["shape"]):
        raise ValueError(f"shape {entry['shape']}")
    end: int = begin + _BYTES[entry["dtype"]] * math.prod(entry["shape"])
    if entry["data_offsets"] != [begin, end]:
        raise ValueError(f"a tensor lies at {entry['data_offsets']}, not at {[begin, end]}")
    return end

"""Turn rules and modes into JSON and tensors, and back; no pickle."""

from dataclasses import fields, is_dataclass
from importlib import import_module
from typing import Any

from torch import Tensor

from probexit.exits.depth.fitted import Fitted


def describe(part: Any, path: str, tensors: dict[str, Tensor]) -> Any:
    """Turn a part into JSON; the fitted tensors of deciders and heads are named by their path."""
    if isinstance(part, float) and part in (float("inf"), float("-inf")):
        return {"float": str(part)}  # JSON has no infinity
    if isinstance(part, tuple):
        return list(part)
    if not is_dataclass(part):
        return part
    if isinstance(part, Fitted):
        tensors.update({f"{path}/{name}": tensor for name, tensor in part.state().items()})
    config = {
        f.name: describe(getattr(part, f.name), f"{path}.{f.name}", tensors) for f in fields(part)
    }
    return {"class": f"{type(part).__module__}:{type(part).__qualname__}", "config": config}


def rebuild(data: Any, path: str, tensors: dict[str, Tensor]) -> Any:
    """Undo ``describe``.

    Raises:
        ValueError: on a class that is not part of probexit.
    """
    if isinstance(data, list):
        return tuple(data)
    if isinstance(data, dict) and "float" in data:
        return float(data["float"])
    if not isinstance(data, dict):
        return data
    config = {k: rebuild(v, f"{path}.{k}", tensors) for k, v in data["config"].items()}
    part = _class(data["class"])(**config)
    own = {k.removeprefix(f"{path}/"): v for k, v in tensors.items() if k.startswith(f"{path}/")}
    if own:
        part.restore(own)
    return part


def _class(name: str) -> Any:
    module, _, cls = name.partition(":")
    if not module.startswith("probexit."):
        raise ValueError(f"{name} is not part of probexit: build this controller in your own code")
    return getattr(import_module(module), cls)

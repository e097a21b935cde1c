"""Turn a controller's parts into JSON and tensors, and back; one way for both kinds.

A member of a family becomes ``{"member": "family:name", "config": {...}}``, any other dataclass its
fields. On the way back the type of each field says what may stand there: of a member only one that
keeps the field's contract, and of a plain value one of its type. A file chooses no class otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from torch import Tensor

from probexit.exits.artefacts.added import ADDED
from probexit.exits.artefacts.families import REGISTRY
from probexit.probes.artefacts.config import known_fields, plain_value, shortened
from probexit.probes.stored import Stored, restored

UNFITTED = "unfitted"  # in the metadata of a field whose member is there to be copied and fitted


def describe(part: Any, tensors: dict[str, Tensor], path: str = "", *, bare: bool = False) -> Any:
    """Turn a part into JSON; the fitted tensors of its members are named by their path.

    Args:
        part: A controller, or a part of one.
        tensors: Where the tensors go.
        path: Where the part stands.
        bare: Without its tensors.

    Raises:
        ValueError: on a class that could not be found again by its name.
    """
    if isinstance(part, tuple):
        return [describe(item, tensors, f"{path}[{i}]") for i, item in enumerate(part)]
    if not is_dataclass(part) or isinstance(part, type):
        return part
    config = {}
    for field in (field for field in fields(part) if field.init):
        value, place = getattr(part, field.name), _join(path, field.name)
        config[field.name] = describe(value, tensors, place, bare=UNFITTED in field.metadata)
    if REGISTRY.family(type(part)) is None:
        return config
    if hasattr(part, "state") and not bare:
        tensors.update({f"{path}/{name}": kept for name, kept in part.state().items()})
    return {"member": REGISTRY.name_of(type(part)), "config": config}


def rebuild(hint: Any, data: Any, tensors: Mapping[str, Tensor], path: str = "") -> Any:
    """Undo ``describe``.

    Args:
        hint: The type that the part must have.
        data: What ``describe`` returned.
        tensors: The tensors it named.
        path: Where the part stands.

    Raises:
        ValueError: naming the place of anything that does not fit, or that is left over.
    """
    reader = _Reader(dict(tensors))
    part = reader.read(hint, data, path)
    if reader.tensors:
        raise ValueError(f"tensors {sorted(reader.tensors)} belong to no part")
    return part


@dataclass
class _Reader:
    """Reads parts; the tensors that no part took are left over."""

    tensors: dict[str, Tensor]

    def read(self, hint: Any, data: Any, path: str, *, bare: bool = False) -> Any:
        hint = _present(hint, data)
        if _is_list_of_parts(hint):
            if not isinstance(data, list):
                raise ValueError(f"{path} must be a list")
            return tuple(
                self.read(get_args(hint)[0], item, f"{path}[{i}]") for i, item in enumerate(data)
            )
        if not is_dataclass(hint):
            return plain_value(hint, data, path)
        assert isinstance(hint, type)
        if REGISTRY.family(hint) is None:
            return self._made(hint, data, path, hint.__name__)
        return self._member(hint, data, path, bare)

    def _member(self, contract: type[Any], data: Any, path: str, bare: bool) -> Any:
        if not isinstance(data, dict) or set(data) != {"member", "config"}:
            raise ValueError(f"{path} must hold member and config, not {shortened(data)}")
        cls = _class(contract, data["member"], path)
        part = self._made(cls, data["config"], path, data["member"])
        own = {name: self.tensors.pop(f"{path}/{name}") for name in self._names(path)}
        if own or (issubclass(cls, Stored) and not bare):
            try:
                restored(part, own)
            except ValueError as error:
                raise ValueError(f"{path}: {error}") from error
        return part

    def _made(self, cls: type[Any], data: Any, path: str, name: str) -> Any:
        if isinstance(data, dict):
            data = ADDED.get(name, {}) | data
        try:
            hints = known_fields(cls, data, path)
        except NameError as error:  # a class whose annotations cannot be read
            raise ValueError(f"{path}: {cls.__name__}: {error}") from error
        bare = {field.name: UNFITTED in field.metadata for field in fields(cls)}
        config = {
            name: self.read(hint, data[name], _join(path, name), bare=bare[name])
            for name, hint in hints.items()
        }
        try:
            return cls(**config)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise ValueError(f"{path}: {error}" if path else str(error)) from error

    def _names(self, path: str) -> list[str]:
        own = (name for name in self.tensors if name.startswith(f"{path}/"))
        return [name.removeprefix(f"{path}/") for name in own]


def _class(contract: type[Any], spec: Any, path: str) -> type[Any]:
    """Return the member that a file names where ``contract`` is expected."""
    family = REGISTRY.family(contract)
    if not isinstance(spec, str) or spec.partition(":")[0] != family:
        raise ValueError(f"{path} = {shortened(spec)} is no member of the family {family}")
    try:
        cls = REGISTRY.find(spec)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    if not issubclass(cls, contract):
        raise ValueError(f"{path} = {spec!r} is no {contract.__name__}")
    return cls


def _present(hint: Any, data: Any) -> Any:
    """Return the one part that ``Part | None`` allows, unless the value is None."""
    if get_origin(hint) not in (Union, UnionType) or data is None:
        return hint
    parts = [kind for kind in get_args(hint) if kind is not NoneType and is_dataclass(kind)]
    return parts[0] if len(parts) == 1 else hint


def _is_list_of_parts(hint: Any) -> bool:
    return get_origin(hint) is tuple and is_dataclass(get_args(hint)[0])


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name

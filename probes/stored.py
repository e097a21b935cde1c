"""How every fitted model of this folder is kept: configuration as JSON, tensors as safetensors."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

from probexit.probes.artefacts.config import configured
from probexit.probes.artefacts.folder import opened_artefact, write_artefact
from probexit.probes.artefacts.registry import Registry
from probexit.probes.artefacts.strict_json import read_json
from probexit.probes.artefacts.tensors import read_tensors

FAMILIES = {"probe": "probexit.probes", "sequence": "probexit.probes.sequence"}
REMEDY = "fit it again"
_REGISTRY = Registry(FAMILIES)
_PACKAGES_1 = {"probexit.probes": "probe", "probexit.probes.sequence": "sequence"}  # of format 1


@dataclass
class Stored(ABC):
    """A fitted model in a folder, without pickle.

    Fields of the dataclass are configuration; fitted state carries a trailing underscore and is
    made of tensors only.
    """

    @abstractmethod
    def state(self) -> dict[str, Tensor]:
        """Return the fitted tensors by name, on the CPU.

        Raises:
            ValueError: if the probe is not fitted.
        """

    @abstractmethod
    def restore(self, state: dict[str, Tensor]) -> None:
        """Take the fitted tensors that ``state`` returned."""

    @property
    @abstractmethod
    def width(self) -> int:
        """The fitted ``d``; ValueError if the probe is not fitted."""

    @abstractmethod
    def score(self, X: Tensor) -> Tensor:
        """Map states ``[n, d]`` to scores ``[n]``."""

    def check(self) -> None:
        """See that the fitted state can be read: a score of one state is one number.

        Raises:
            ValueError: if it is not.
        """
        found = self.score(torch.zeros(1, self.width))
        if found.shape != (1,):
            raise ValueError(f"the score of one state has shape {tuple(found.shape)}")

    def save(self, folder: Path | str) -> None:
        """Write ``probe.json`` and its tensors into ``folder``."""
        data = {"probe": _REGISTRY.name_of(type(self)), "config": asdict(self)}
        write_artefact(Path(folder), "probe", data, self.state())

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read a probe of this class from ``folder``.

        Raises:
            ValueError: if the folder holds no probe, a damaged one, or one of another class.
        """
        file = Path(folder) / "probe.json"
        name, config, tensors = read_probe(Path(folder))
        if name != _REGISTRY.name_of(cls):
            raise ValueError(f"{file} holds a {name}, not a {_REGISTRY.name_of(cls)}: load that")
        try:
            probe = cls(**configured(cls, config, "config"))
            restored(probe, tensors)
        except ValueError as error:
            raise ValueError(f"{file}: {error}: {REMEDY}") from error
        return probe

    def _require_width(self, X: Tensor) -> None:
        """Raise the ValueError of ``score`` for an input that this probe cannot read."""
        if X.ndim == 0 or X.shape[-1] != self.width:
            raise ValueError(
                f"{type(self).__name__} was fitted on width {self.width}, "
                f"got hidden states of shape {tuple(X.shape)}: give the layers it was fitted on"
            )

    def _unfitted(self) -> ValueError:
        """Build the error of every method that needs fitted state."""
        return ValueError(f"{type(self).__name__} is not fitted: call fit or load first")


def read_probe(folder: Path) -> tuple[str, Any, dict[str, Tensor]]:
    """Read a probe's ``family:name``, configuration and tensors, of format 2 or 1.

    Raises:
        ValueError: naming the file, if it is missing or damaged.
    """
    file = folder / "probe.json"
    whole = read_json(file, REMEDY)
    if "format" not in whole and set(whole) == {"module", "config"}:
        tensors = read_tensors(folder / "probe.safetensors")
        return _name_1(file, whole["module"]), whole["config"], tensors
    data, tensors = opened_artefact(file, whole, REMEDY)
    if set(data) != {"probe", "config"} or not isinstance(data["probe"], str):
        raise ValueError(f"{file} must hold probe and config, not {sorted(data)}: {REMEDY}")
    return data["probe"], data["config"], tensors


def _name_1(file: Path, module: Any) -> str:
    """Return ``family:name`` for the module that format 1 kept."""
    package, _, name = str(module).rpartition(".")
    family = _PACKAGES_1.get(package)
    if family is None:
        raise ValueError(f"{file}: module = {module!r} is no probe of probexit: {REMEDY}")
    return f"{family}:{name}"


def restored(part: Any, state: dict[str, Tensor]) -> None:
    """Give a part the tensors that its ``state`` returned.

    Raises:
        ValueError: if they are not the ones it keeps, by name or by shape.
    """
    try:
        part.restore(state)
        kept = part.state()
        if isinstance(part, Stored):
            part.check()
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError) as error:
        raise ValueError(_misfit(part, state, str(error).splitlines()[0])) from error
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    if {name: tuple(tensor.shape) for name, tensor in kept.items()} != shapes:
        raise ValueError(_misfit(part, state, f"it keeps {sorted(kept)}"))


def require_shapes(state: Mapping[str, Tensor], expected: Mapping[str, Sequence[int]]) -> None:
    """See that tensors have the shapes that a configuration says, before memory is taken for it.

    Raises:
        ValueError: naming the first that is missing or has another shape.
    """
    for name, shape in expected.items():
        found = list(state[name].shape) if name in state else None
        if found != list(shape):
            raise ValueError(f"the tensor {name!r} has shape {found}, not {list(shape)}")


def _misfit(part: Any, state: dict[str, Tensor], why: str) -> str:
    return f"tensors {sorted(state)} do not fit {type(part).__name__} ({why})"

"""How every fitted model of this folder is kept: configuration as JSON, tensors as safetensors."""

import json
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from safetensors.torch import load_file, save_file
from torch import Tensor


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

    def save(self, folder: Path) -> None:
        """Write ``probe.safetensors`` and ``probe.json`` into ``folder``."""
        folder.mkdir(parents=True, exist_ok=True)
        save_file(
            {k: v.contiguous() for k, v in self.state().items()}, folder / "probe.safetensors"
        )
        config = {"module": type(self).__module__, "config": asdict(self)}
        (folder / "probe.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a probe of this class from ``folder``.

        Raises:
            ValueError: if the folder holds a probe of another class.
        """
        config: dict[str, Any] = json.loads((folder / "probe.json").read_text(encoding="utf-8"))
        if config["module"] != cls.__module__:
            raise ValueError(
                f"{folder} holds a {config['module']}, not a {cls.__module__}: load that"
            )
        probe = cls(**config["config"])
        probe.restore(load_file(folder / "probe.safetensors"))
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

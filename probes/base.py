"""The contract of a probe: from hidden states ``[n, d]`` to scores ``[n]``."""

import json
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from safetensors.torch import load_file, save_file
from torch import Tensor


@dataclass
class Probe(ABC):
    """A light model that reads one hidden state and says how right it would be to stop.

    Fields of the dataclass are configuration; fitted state carries a trailing underscore and is
    made of tensors only, so that it can be saved without pickle.

    Notation: ``n`` cues, ``d`` width (several layers are concatenated by the caller).
    """

    @abstractmethod
    def fit(self, X: Tensor, y: Tensor, groups: Tensor | None = None) -> Self:
        """Train on ``X [n, d]`` and labels ``y [n]`` in {0, 1}; 1 = stopping there is right.

        Args:
            X: Hidden states, any float dtype.
            y: Labels.
            groups: ``[n]`` problem of each cue. Any inner hold-out (early stopping) is split by it.

        Raises:
            ValueError: on non-finite values, mismatched lengths or a single class.
        """

    @abstractmethod
    def score(self, X: Tensor) -> Tensor:
        """Map ``[..., d]`` to ``[...]`` float32 in [0, 1]; larger = likelier right to stop.

        Runs in torch on the device of ``X``, in float32 whatever the dtype of ``X``. A NaN in a
        row gives that row a NaN score, which passes no threshold: the safe answer, "think on".

        Raises:
            ValueError: if the probe is not fitted or the width is not ``self.width``.
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

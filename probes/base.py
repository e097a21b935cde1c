"""The contract of a probe: from hidden states ``[n, d]`` to scores ``[n]``."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Self

from torch import Tensor

from probexit.probes.stored import Stored


@dataclass
class Probe(Stored):
    """A light model that reads one hidden state and says how right it would be to stop.

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

"""The contract of a sequence probe: from the states of a thinking ``[c, d]`` to scores ``[c]``."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from torch import Tensor

from probexit.probes.stored import Stored


@dataclass
class SequenceProbe(Stored):
    """A light model that reads the states of one thinking in order; a score may use the past.

    Notation: ``n`` thinkings of ``c_i`` cues or steps each, ``d`` width.
    """

    @abstractmethod
    def fit(
        self, states: Sequence[Tensor], labels: Sequence[Tensor], groups: Tensor | None = None
    ) -> Self:
        """Train on ``n`` thinkings; one without a cue teaches nothing.

        Args:
            states: ``[c_i, d]`` each, any float dtype.
            labels: ``[c_i]`` each, in [0, 1]: what the score is to be the expectation of.
            groups: ``[n]`` problem of each. Any inner hold-out (early stopping) is split by it.

        Raises:
            ValueError: on non-finite values, mismatched lengths, labels that are all the same, or
                no cue at all.
        """

    @abstractmethod
    def score(self, states: Tensor) -> Tensor:
        """Map one thinking ``[c, d]`` to ``[c]`` float32 in [0, 1].

        Larger means likelier right to stop, if that is what the labels meant.

        Causal to the bit: what comes later changes no score, so a thinking that is still being
        written gets the scores of its recording. A NaN spoils its own score and perhaps later
        ones; NaN passes no threshold.

        Raises:
            ValueError: if the probe is not fitted or the width is not ``self.width``.
        """

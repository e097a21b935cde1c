"""Check the thinkings that a sequence probe is trained on, and lay them side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from probexit.probes.training_set import moments


@dataclass(frozen=True)
class Thinkings:
    """``n`` thinkings, padded at their ends to the longest.

    Attributes:
        X: ``[n, c, d]`` float32, 0 where padded.
        y: ``[n, c]`` float32 in [0, 1].
        real: ``[n, c]`` bool, False where padded.
        groups: ``[n]`` int64.
    """

    X: Tensor
    y: Tensor
    real: Tensor
    groups: Tensor

    @classmethod
    def of(cls, states: Sequence[Tensor], labels: Sequence[Tensor], groups: Tensor | None) -> Self:
        """Check and pad; without ``groups`` every thinking is a problem of its own.

        Raises:
            ValueError: as ``SequenceProbe.fit``.
        """
        groups = torch.arange(len(states)) if groups is None else groups
        if not len(states) == len(labels) == len(groups):
            raise ValueError(
                f"{len(states)} states, {len(labels)} labels and {len(groups)} groups: give one "
                "of each for every thinking"
            )
        _check(states, labels)
        kept = [i for i, state in enumerate(states) if len(state)]
        if not kept:
            raise ValueError("none of the thinkings has a cue: give some that do")
        lengths = torch.tensor([len(states[i]) for i in kept])
        found = cls(
            X=pad_sequence([states[i].detach().float() for i in kept], True),
            y=pad_sequence([labels[i].detach().float() for i in kept], True),
            real=torch.arange(int(lengths.max())) < lengths[:, None],
            groups=groups.long()[kept],
        )
        found._require_two_labels()
        return found

    def take(self, rows: Tensor) -> Self:
        """Keep ``rows`` (a mask or indices)."""
        return type(self)(self.X[rows], self.y[rows], self.real[rows], self.groups[rows])

    def moments(self) -> tuple[Tensor, Tensor]:
        """Return the ``mean [d]`` and ``scale [d]`` that standardise all cues together."""
        return moments(self.X[self.real])

    def _require_two_labels(self) -> None:
        found = self.y[self.real]
        if not bool(((found >= 0) & (found <= 1)).all()):
            raise ValueError(f"labels must be in [0, 1], got {float(found.min())} to {found.max()}")
        if bool((found == found[0]).all()):
            raise ValueError(f"all labels are {float(found[0]):g}: a probe needs two, add problems")


def _check(states: Sequence[Tensor], labels: Sequence[Tensor]) -> None:
    for i, (state, label) in enumerate(zip(states, labels, strict=True)):
        if state.ndim != 2 or label.shape != state.shape[:1]:
            raise ValueError(
                f"thinking {i}: states must be [c, d] and labels [c], got {tuple(state.shape)} "
                f"and {tuple(label.shape)}"
            )
        if not bool(state.isfinite().all()):
            raise ValueError(
                f"thinking {i} has non-finite states: drop it, or record in bfloat16 or float32"
            )

"""Read the spans of a prefill layer by layer: the state at the end of each, and the mean over it.

A trace of 4,000 tokens has 4,000 states a layer, of which its 20 steps need 40. Each layer is
reduced while the next one runs, so never more than one layer of whole spans is held.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from probexit.hooks.capture import Capture


class SpanCapture(Capture):
    """A ``Capture`` of consecutive spans of rows.

    Args:
        model: As for ``Capture``.
        layers: As for ``Capture``.
        positions: ``(rows [m], columns [m])`` of all tokens of all spans, one span after another.
        lengths: ``[n]`` tokens of each span, at least 1; their sum is ``m``.

    Raises:
        ValueError: if the lengths do not make up the positions, or as ``Capture``.
    """

    def __init__(
        self,
        model: Any,
        layers: Sequence[int],
        positions: tuple[Tensor, Tensor],
        lengths: Sequence[int],
    ) -> None:
        super().__init__(model, layers, positions)
        if sum(lengths) != len(positions[0]) or min(lengths, default=1) < 1:
            raise ValueError(
                f"spans of {list(lengths)} tokens do not make up {len(positions[0])} positions"
            )
        self._lengths = list(lengths)

    def spans(self) -> tuple[Tensor, Tensor]:
        """Return the end states and the means ``[n, layers, d]`` of the newest forward pass.

        Raises:
            CaptureError: before any forward pass, or if a layer was skipped.
        """
        ends, means = self.chosen().unbind(2)
        return ends, means

    def _kept(self, hidden: Tensor) -> Tensor:
        """Reduce one layer's ``[b, t, d]`` to ``[n, 2, d]`` float32."""
        pieces = torch.split(super()._kept(hidden).float(), self._lengths)
        ends = torch.stack([piece[-1] for piece in pieces])
        return torch.stack([ends, torch.stack([piece.mean(0) for piece in pieces])], 1)

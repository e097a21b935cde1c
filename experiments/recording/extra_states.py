"""States that are recorded on request: of every attention head, and of every thinking token.

They are read in a pass of their own over one rollout at a time, without padding: so what is kept
is a plain capture of the sequence, whatever way the forced exits of the model are read.
"""

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from probexit.experiments.recording.reading import ReadRequest
from probexit.hooks.capture import Capture
from probexit.hooks.forward import forward
from probexit.hooks.head_capture import HeadCapture


@dataclass(frozen=True)
class ExtraStates:
    """What one rollout's pass gave; None where it was not asked for.

    Attributes:
        heads: ``[n, layers, heads, width]`` bfloat16, of all layers at the ``n`` read tokens.
        thinking: ``[t, L, d]`` bfloat16, of all thinking tokens at the recorded layers.
    """

    heads: Tensor | None = None
    thinking: Tensor | None = None


@dataclass(frozen=True)
class StateReader:
    """Reads more states of one model.

    Attributes:
        model: The model, in evaluation mode.
        layers: Layers whose states are kept for the thinking tokens.
        heads: Whether to read the attention heads, before their layer's output projection.
        tokens: Whether to read every thinking token.
    """

    model: Any
    layers: tuple[int, ...]
    heads: bool = False
    tokens: bool = False

    def check(self) -> None:
        """Refuse a model whose heads are not found, before anything is generated.

        Raises:
            ValueError: with the remedy.
        """
        if self.heads:
            none = torch.zeros(0, dtype=torch.long)
            HeadCapture(self.model, none, none)

    @torch.inference_mode()
    def read(self, request: ReadRequest, begins: int) -> ExtraStates:
        """Read one rollout; its thinking starts at ``request.ids[begins]`` and ends with it."""
        if not self.heads and not self.tokens:
            return ExtraStates()
        at, thinking = torch.tensor(request.at), torch.arange(begins, len(request.ids))
        with ExitStack() as stack:
            heads = capture = None
            if self.heads:
                heads = stack.enter_context(HeadCapture(self.model, torch.zeros_like(at), at))
            if self.tokens:
                where = (torch.zeros_like(thinking), thinking)
                capture = stack.enter_context(Capture(self.model, self.layers, where))
            self._pass(request.ids)
            return ExtraStates(
                None if heads is None else heads.chosen().to(torch.bfloat16).cpu(),
                None if capture is None else capture.chosen().to(torch.bfloat16).cpu(),
            )

    def _pass(self, ids: list[int]) -> None:
        """Run the model once over a sequence."""
        row = torch.tensor([ids], device=self.model.device)
        places = torch.arange(len(ids), device=self.model.device)[None]
        forward(self.model, row, DynamicCache(), places, keep=1)

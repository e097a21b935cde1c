"""Read hidden states where an engine packs many requests into one row of tokens.

Continuous batching runs ``[1, T]``: prompts, parts of prompts and newest tokens of many requests,
one behind the other. Which of them get logits, the engine tells the model as ``logits_indices``.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from probexit.hooks.capture import CaptureError
from probexit.hooks.handles import Hooks
from probexit.hooks.layers import hidden_of, module_at

INDICES = "logits_indices"


class PackedCapture(Hooks):
    """Keeps the states of chosen layers at the tokens that get logits, newest forward pass only.

    Args:
        model: A causal language model.
        layers: Indices in ``0..L`` as in `probexit.hooks.layers`, in the order wanted.
    """

    def __init__(self, model: Any, layers: Sequence[int]) -> None:
        super().__init__()
        self.model = model
        self._modules = {layer: module_at(model, layer) for layer in layers}
        self._states: dict[int, Tensor] = {}
        self._at: Tensor | None = None
        self._unread = False

    def _register(self) -> Iterator[RemovableHandle]:
        self._unread = False
        yield self.model.register_forward_pre_hook(self._begin, with_kwargs=True)
        for layer, module in self._modules.items():
            yield module.register_forward_hook(self._keep(layer))

    def newest(self, rows: int) -> Tensor | None:
        """Return ``[rows, L, d]`` of the newest pass, once; None without layers.

        Raises:
            CaptureError: if there was no pass since the last call, a layer's hook did not fire in
                it, or it had other rows.
        """
        if not self._unread:
            raise CaptureError("a packed pass was not seen: was the model run as a graph?")
        self._unread = False
        if not self._modules:
            return None
        if len(self._states) != len(self._modules):
            missing = sorted(self._modules.keys() - self._states.keys())
            raise CaptureError(
                f"layers {missing} gave no states in the newest packed pass: was the model "
                "compiled, or run as a graph?"
            )
        states = list(self._states.values())
        found = torch.stack([state.to(states[0].device) for state in states], 1)
        if len(found) < rows:
            raise CaptureError(f"{rows} requests have logits, but {len(found)} have states")
        return found[:rows]

    def _begin(self, _: nn.Module, args: Any, kwargs: dict[str, Any]) -> None:
        self._at = kwargs.get(INDICES)
        self._states.clear()
        self._unread = self._at is not None

    def _keep(self, layer: int) -> Callable[[nn.Module, Any, Any], None]:
        def keep(_: nn.Module, args: Any, output: Any) -> None:
            if self._at is not None:  # a pass of the engine's, not one of ``generate``
                hidden = hidden_of(output).detach()
                self._states[layer] = hidden[0, self._at.to(hidden.device)]

        return keep

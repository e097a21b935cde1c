"""Read what each attention head has read, before its layer's output projection."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from probexit.hooks.capture import CaptureError
from probexit.hooks.handles import Hooks
from probexit.hooks.heads import attention_output, head_shape
from probexit.hooks.layers import n_layers


class HeadCapture(Hooks):
    """Context manager that keeps the heads of all layers at chosen positions of one prefill.

    It reads and never changes.

    Args:
        model: A causal language model; not compiled yet.
        rows: ``[n]`` rows to keep.
        columns: ``[n]`` their columns.

    Raises:
        ValueError: if a layer's output projection is not found.
    """

    def __init__(self, model: Any, rows: Tensor, columns: Tensor) -> None:
        super().__init__()
        self._modules = [attention_output(model, layer) for layer in range(n_layers(model))]
        self._shape = head_shape(model)
        self._at = (rows, columns)
        self._states: dict[int, Tensor] = {}

    def _register(self) -> Iterator[RemovableHandle]:
        self._states.clear()
        for layer, module in enumerate(self._modules):
            yield module.register_forward_pre_hook(self._keep(layer))

    def chosen(self) -> Tensor:
        """Return ``[n, layers, heads, width]`` of the newest forward pass.

        Raises:
            CaptureError: if a layer's hook did not fire.
        """
        silent = sorted(set(range(len(self._modules))) - set(self._states))
        if silent:
            raise CaptureError(f"the attention output of layers {silent} was not called")
        stacked = torch.stack([self._states[i] for i in range(len(self._modules))], 1)
        return stacked.reshape(*stacked.shape[:2], *self._shape)

    def _keep(self, layer: int) -> Callable[[nn.Module, Any], None]:
        def keep(_: nn.Module, args: Any) -> None:
            self._states[layer] = args[0][self._at].detach().clone()

        return keep

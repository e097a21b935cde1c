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

    Attributes:
        wanted: Whether the coming passes' states are kept; off, hooks only say that they fired.
    """

    def __init__(self, model: Any, layers: Sequence[int]) -> None:
        super().__init__()
        self.model = model
        self._modules = {layer: module_at(model, layer) for layer in layers}
        self._states: dict[int, Tensor] = {}
        self._at: Tensor | None = None
        self._fired: set[int] = set()
        self._unread = False
        self.wanted = True

    def _register(self) -> Iterator[RemovableHandle]:
        self._unread = False
        yield self.model.register_forward_pre_hook(self._begin, with_kwargs=True)
        for layer, module in self._modules.items():
            yield module.register_forward_hook(self._keep(layer))

    def newest(self, rows: int) -> Callable[[Sequence[int]], Tensor] | None:
        """Return what reads ``[n, L, d]`` of chosen rows of the newest pass; None without layers.

        Args:
            rows: Rows that have logits.

        Raises:
            CaptureError: if there was no pass since the last call, a layer's hook did not fire in
                it, or it had other rows.
        """
        if not self._unread:
            raise CaptureError("a packed pass was not seen: was the model run as a graph?")
        self._unread = False
        if not self._modules:
            return None
        if len(self._fired) != len(self._modules):
            missing = sorted(self._modules.keys() - self._fired)
            raise CaptureError(
                f"layers {missing} gave no states in the newest packed pass: was the model "
                "compiled, or run as a graph?"
            )
        found = len(next(iter(self._states.values()))) if self._states else rows
        if found < rows:
            raise CaptureError(f"{rows} requests have logits, but {found} have states")
        return self._read

    def _read(self, rows: Sequence[int]) -> Tensor:
        if not self._states:
            raise CaptureError("the states of the newest pass were not wanted, and not kept")
        at = torch.tensor(list(rows))
        states = [state[at.to(state.device)] for state in self._states.values()]
        return torch.stack([state.to(states[0].device) for state in states], 1)

    def _begin(self, _: nn.Module, args: Any, kwargs: dict[str, Any]) -> None:
        self._at = kwargs.get(INDICES)
        self._states.clear()
        self._fired.clear()
        self._unread = self._at is not None

    def _keep(self, layer: int) -> Callable[[nn.Module, Any, Any], None]:
        def keep(_: nn.Module, args: Any, output: Any) -> None:
            if self._at is None:  # not a pass of the engine's, but one of ``generate``
                return
            self._fired.add(layer)
            if self.wanted:
                hidden = hidden_of(output).detach()
                self._states[layer] = hidden[0, self._at.to(hidden.device)]

        return keep

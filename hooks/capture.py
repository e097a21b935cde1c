"""Read hidden states from a running model, at the newest token or at chosen positions.

Forward hooks can be skipped without a word: a layer compiled before the hook was set, or a layer
that the model leaves out, never calls it. ``Capture`` therefore counts how often each hook fired,
refuses to return states of different steps, and ``check`` compares the count with the steps that
the caller made.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from probexit.hooks.handles import Hooks
from probexit.hooks.layers import hidden_of, hidden_size, module_at, n_layers


class CaptureError(RuntimeError):
    """A hidden state was asked for that no hook has delivered."""


class Capture(Hooks):
    """Context manager that keeps the hidden states of chosen layers, newest forward pass only.

    It reads and never changes: logits are bitwise the same with and without it, and no hook stays
    behind, whatever happens inside. One ``Capture`` can be entered again after it was left.

    Only the last position, or the chosen ones, is kept, never the whole sequence. The last
    position is the newest token of every row under left padding; ``positions`` are plain column
    indices into the forward pass, so they work with padding on either side.

    Args:
        model: A causal language model; not compiled yet, since a compiled layer ignores new hooks.
        layers: Indices in ``0..L`` as in `probexit.hooks.layers`, in the order wanted. May be
            empty: the states then have no layer, ``[b, 0, d]``.
        positions: ``(rows [n], columns [n])``, integers: keep these positions of a prefill.

    Attributes:
        fires: How often each layer's hook fired.
        wanted: Whether the coming passes' states are kept; off, they are counted only.

    Raises:
        ValueError: on a layer that does not exist or stands twice, or on malformed positions.
    """

    def __init__(
        self, model: Any, layers: Sequence[int], positions: tuple[Tensor, Tensor] | None = None
    ) -> None:
        super().__init__()
        self.layers = tuple(int(layer) for layer in layers)
        if len(set(self.layers)) != len(self.layers):
            raise ValueError(f"layers {list(self.layers)} name a layer twice; name each once")
        # With no layer to read, one is still watched: it tells the batch size and counts steps.
        watched = self.layers or (n_layers(model) - 1,)
        self._modules = {layer: module_at(model, layer) for layer in watched}
        self._width = hidden_size(model)
        self._positions = None if positions is None else _checked(*positions)
        self._states: dict[int, Tensor] = {}
        self.fires = dict.fromkeys(watched, 0)
        self.wanted = True

    def _register(self) -> Iterator[RemovableHandle]:
        self._states.clear()
        self.fires = dict.fromkeys(self._modules, 0)
        for layer, module in self._modules.items():
            yield module.register_forward_hook(self._hook(layer))

    def last(self, rows: Sequence[int] | None = None) -> Tensor:
        """Return ``[b, layers, d]``, the last position of the newest forward pass.

        A fresh tensor without gradient, in the model's dtype, where the first of the layers is.

        Args:
            rows: Only these rows ``[n]``, in this order; all by default.

        Raises:
            CaptureError: before any forward pass, if a layer was skipped, or if positions were
                chosen (use ``chosen``).
        """
        if self._positions is not None:
            raise CaptureError("this Capture keeps chosen positions; read them with chosen()")
        return self._stacked(rows)

    def chosen(self) -> Tensor:
        """Return ``[n, layers, d]``, the chosen positions of the newest forward pass.

        A fresh tensor without gradient, in the model's dtype; order as in ``positions``.

        Raises:
            CaptureError: before any forward pass, if a layer was skipped, or if no positions were
                chosen (use ``last``).
        """
        if self._positions is None:
            raise CaptureError("no positions were chosen: Capture(model, layers, positions=...)")
        return self._stacked()

    def check(self, steps: int) -> None:
        """Compare the hooks' fires with the forward passes made since ``with``.

        Raises:
            CaptureError: if a hook did not fire exactly once in each of ``steps`` passes.
        """
        for layer, fires in self.fires.items():
            if fires != steps:
                raise CaptureError(
                    f"layer {layer}: the hook fired {fires} times in {steps} forward passes; "
                    "was the model compiled before Capture was entered, or the layer skipped?"
                )

    def _stacked(self, rows: Sequence[int] | None = None) -> Tensor:
        steps = max(self.fires.values())
        if steps == 0:
            raise CaptureError(
                f"nothing captured at layers {list(self.fires)}: no forward pass was made inside "
                "`with`, or the model was compiled before it"
            )
        self.check(steps)
        if not self._states:
            raise CaptureError("the states of the newest pass were not wanted, and not kept")
        states = [self._states[layer] for layer in self._modules]
        if rows is not None and list(rows) != list(range(len(states[0]))):
            at = torch.tensor(list(rows))
            states = [state[at.to(state.device)] for state in states]
        return torch.stack([s.to(states[0].device) for s in states], 1)[:, : len(self.layers)]

    def _hook(self, layer: int) -> Callable[[nn.Module, Any, Any], None]:
        def keep(module: nn.Module, args: Any, output: Any) -> None:
            self.fires[layer] += 1
            if not self.wanted:
                self._states.clear()
                return
            hidden = hidden_of(output).detach()
            if hidden.shape[-1] != self._width:
                raise ValueError(
                    f"layer {layer} returned width {hidden.shape[-1]}, the model's is "
                    f"{self._width}; point model.probexit_layers at its decoder layers"
                )
            self._states[layer] = self._kept(hidden)

        return keep

    def _kept(self, hidden: Tensor) -> Tensor:
        if self._positions is None:
            return hidden[:, -1].clone()  # a view would hold the whole sequence in memory
        rows, columns = self._positions
        _within(rows, columns, hidden)
        return hidden[rows.to(hidden.device), columns.to(hidden.device)]


def _checked(rows: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
    rows, columns = torch.as_tensor(rows).cpu(), torch.as_tensor(columns).cpu()
    if rows.ndim != 1 or rows.shape != columns.shape:
        raise ValueError(
            f"positions are rows [n] and columns [n], not {list(rows.shape)} and "
            f"{list(columns.shape)}"
        )
    if rows.is_floating_point() or columns.is_floating_point():
        raise ValueError(f"positions are integers, not {rows.dtype} and {columns.dtype}")
    if rows.numel() and min(int(rows.min()), int(columns.min())) < 0:
        raise ValueError("positions count from 0: there are no negative rows or columns")
    return rows.long(), columns.long()


def _within(rows: Tensor, columns: Tensor, hidden: Tensor) -> None:
    if rows.numel() == 0:
        return
    row, column = int(rows.max()), int(columns.max())
    if row >= hidden.shape[0] or column >= hidden.shape[1]:
        raise ValueError(
            f"position (row {row}, column {column}) lies outside this forward pass of "
            f"{hidden.shape[0]} rows and {hidden.shape[1]} columns; columns count from its start"
        )

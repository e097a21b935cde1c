"""Hidden states of a pass in vLLM, at the token that each request has just consumed."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from probexit.hooks.capture import CaptureError


def auxiliary_layers(layers: Sequence[int], depth: int) -> tuple[int, ...]:
    """Return vLLM's numbers of the layers to read; it counts the embedding as 0.

    The output of the final norm, layer ``depth``, is what vLLM samples from and needs no number.
    """
    return tuple(i + 1 for i in sorted(set(layers)) if i < depth)


class LayerHooks:
    """States by forward hooks, for models that do not give them; called in eager mode only.

    Attributes:
        states: Of the newest pass, by layer, ``[tokens, d]``.
    """

    def __init__(self, model: nn.Module, layers: Sequence[int], depth: int) -> None:
        """Set a hook on each decoder layer that is read.

        Raises:
            ValueError: if the decoder layers cannot be told from the model's other lists.
        """
        lists = [m for m in model.modules() if isinstance(m, nn.ModuleList) and len(m) == depth]
        if len(lists) != 1:
            raise ValueError(
                f"{type(model).__name__}: expected one list of {depth} decoder layers, found "
                f"{len(lists)}"
            )
        self.states: dict[int, Tensor] = {}
        self._handles = [
            lists[0][layer].register_forward_hook(self._keep(layer))
            for layer in sorted(set(layers))
            if layer < depth
        ]

    def remove(self) -> None:
        """Take the hooks out."""
        for handle in self._handles:
            handle.remove()

    def take(self) -> list[Tensor]:
        """Return the states of the newest pass, layers ascending, once."""
        found = [self.states[layer] for layer in sorted(self.states)]
        self.states = {}
        return found

    def _keep(self, layer: int) -> Any:
        def keep(_: nn.Module, args: Any, output: Any) -> None:
            if isinstance(output, tuple):  # what the layer adds, and the stream it is added to
                stream, residual = output[0], output[1]
                output = stream if residual is None else stream + residual
            self.states[layer] = output

        return keep


def states_of(
    layers: Sequence[int], depth: int, collected: Sequence[Tensor], last: Tensor, at: Tensor
) -> Tensor:
    """Return the states of a pass at some tokens.

    Args:
        layers: Layers wanted, ascending.
        depth: Decoder layers of the model; that number names the output of its final norm.
        collected: ``[tokens, d]`` of each of ``auxiliary_layers``.
        last: ``[n, d]`` of the final norm at those tokens.
        at: ``[n]`` their places.

    Returns:
        ``[n, L, d]``.

    Raises:
        CaptureError: if the states of a layer did not come.
    """
    wanted = auxiliary_layers(layers, depth)
    if len(collected) != len(wanted):
        raise CaptureError(
            f"states of {len(wanted)} layers were asked for, and {len(collected)} came"
        )
    found = {number - 1: states[at] for number, states in zip(wanted, collected, strict=True)}
    found[depth] = last
    return torch.stack([found[layer] for layer in layers], 1)

"""Nudge a running model: add a direction to the output of chosen layers, or of chosen heads.

``h <- h + strength * v`` at every position, the intervention of overclocking (arXiv 2506.07240)
and efficiency steering (arXiv 2506.15647). With ``v`` fitted to the thinking's progress, a positive
strength makes the model believe it is further along, and so think less. At single heads it is
inference-time intervention (ITI, arXiv 2306.03341): the direction is added to what the head has
read, before the layer's output projection.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from probexit.hooks.handles import Hooks
from probexit.hooks.heads import attention_output, head_shape
from probexit.hooks.layers import hidden_of, hidden_size, module_at, with_hidden


class Steer(Hooks):
    """Context manager that steers a model while it is open, and leaves no trace.

    A layer's output is replaced, never written into. A `probexit.hooks.capture.Capture` on the same
    layer reads the steered state, whichever of the two was entered first.

    Args:
        model: A causal language model; not compiled yet.
        vectors: ``{layer: [d]}``, layers as in `probexit.hooks.layers`.
        strength: Multiplies the vectors; 0 changes nothing, a negative one steers the other way.
        heads: ``{layer: {head: [width of a head]}}``, counted from 0 (see ``hooks/heads.py``).

    Raises:
        ValueError: on a layer or head that does not exist, a vector of another width, or values
            that are not finite.
    """

    def __init__(
        self,
        model: Any,
        vectors: Mapping[int, Tensor],
        strength: float = 1.0,
        heads: Mapping[int, Mapping[int, Tensor]] | None = None,
    ) -> None:
        super().__init__()
        if not math.isfinite(strength):
            raise ValueError(f"strength must be finite, not {strength}")
        width = hidden_size(model)
        for layer, vector in vectors.items():
            if vector.shape != (width,) or not bool(vector.isfinite().all()):
                raise ValueError(
                    f"layer {layer}: the direction must be {width} finite values, as wide as the "
                    f"model, not {list(vector.shape)}"
                )
        self._added = [(module_at(model, i), strength * v.detach()) for i, v in vectors.items()]
        self._before = [
            (attention_output(model, i), _side_by_side(model, i, own, strength))
            for i, own in (heads or {}).items()
        ]

    def _register(self) -> Iterator[RemovableHandle]:
        for module, added in self._added:
            # Ahead of other hooks, so that they see what the next layer will see.
            yield module.register_forward_hook(_adder(added), prepend=True)
        for projection, added in self._before:
            yield projection.register_forward_pre_hook(_adder_before(added), prepend=True)


def _adder(added: Tensor) -> Callable[[nn.Module, Any, Any], Any]:
    def add(module: nn.Module, args: Any, output: Any) -> Any:
        hidden = hidden_of(output)
        return with_hidden(output, hidden + added.to(hidden))

    return add


def _adder_before(added: Tensor) -> Callable[[nn.Module, Any], Any]:
    def add(module: nn.Module, args: Any) -> Any:
        read, *rest = args
        return (read + added.to(read), *rest)

    return add


def _side_by_side(model: Any, layer: int, own: Mapping[int, Tensor], strength: float) -> Tensor:
    """Lay the vectors of a layer's heads out as its output projection reads them, ``[h * w]``."""
    heads, width = head_shape(model)
    added = torch.zeros(heads, width)
    for head, vector in own.items():
        if not 0 <= head < heads:
            raise ValueError(f"layer {layer} has no head {head}: it has heads 0 to {heads - 1}")
        if vector.shape != (width,) or not bool(vector.isfinite().all()):
            raise ValueError(
                f"layer {layer}, head {head}: the direction must be {width} finite values, not "
                f"{list(vector.shape)}"
            )
        added[head] = strength * vector.detach().cpu()
    return added.flatten()

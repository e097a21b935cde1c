"""Shift single attention heads of a running model: inference-time intervention.

ITI (arXiv 2306.03341, section 3): ``x_head <- x_head + alpha * sigma * u`` at what the head has
read, before the layer's output projection, at the newest token of every forward pass: the prompt's
last token, then each token that is generated.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from probexit.hooks.handles import Hooks
from probexit.hooks.heads import attention_output, head_shape


class HeadShift(Hooks):
    """Context manager that shifts heads while it is open, and leaves no trace.

    The newest token is the last column, as under left padding.

    Args:
        model: A causal language model; not compiled yet.
        vectors: ``{layer: {head: [width of a head]}}``, both counted from 0.
        strength: Multiplies the vectors; 0 changes nothing.

    Raises:
        ValueError: on a layer or head that does not exist, a vector of another width, or values
            that are not finite.
    """

    def __init__(
        self, model: Any, vectors: Mapping[int, Mapping[int, Tensor]], strength: float = 1.0
    ) -> None:
        super().__init__()
        if not math.isfinite(strength):
            raise ValueError(f"strength must be finite, not {strength}")
        self._added = [
            (attention_output(model, i), _side_by_side(model, i, own, strength))
            for i, own in vectors.items()
        ]

    def _register(self) -> Iterator[RemovableHandle]:
        for projection, added in self._added:
            yield projection.register_forward_pre_hook(_adder(added), prepend=True)


def _adder(added: Tensor) -> Callable[[nn.Module, Any], Any]:
    def add(module: nn.Module, args: Any) -> Any:
        read, *rest = args
        shifted = read.clone()
        shifted[:, -1] += added.to(read)
        return (shifted, *rest)

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

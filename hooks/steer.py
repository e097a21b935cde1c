"""Nudge a running model: add a direction to the output of chosen layers.

``h <- h + strength * v`` at every position, the intervention of overclocking (arXiv 2506.07240)
and efficiency steering (arXiv 2506.15647). With ``v`` fitted to the thinking's progress, a positive
strength makes the model believe it is further along, and so think less. Single heads:
`probexit.hooks.head_shift`.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from probexit.hooks.handles import Hooks
from probexit.hooks.layers import hidden_of, hidden_size, module_at, with_hidden


class Steer(Hooks):
    """Context manager that steers a model while it is open, and leaves no trace.

    A layer's output is replaced, never written into. A `probexit.hooks.capture.Capture` on the same
    layer reads the steered state, whichever of the two was entered first.

    Args:
        model: A causal language model; not compiled yet.
        vectors: ``{layer: [d]}``, layers as in `probexit.hooks.layers`.
        strength: Multiplies the vectors; 0 changes nothing, a negative one steers the other way.

    Raises:
        ValueError: on a layer that does not exist, a vector of another width, or values that are
            not finite.
    """

    def __init__(self, model: Any, vectors: Mapping[int, Tensor], strength: float = 1.0) -> None:
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

    def _register(self) -> Iterator[RemovableHandle]:
        for module, added in self._added:
            # Ahead of other hooks, so that they see what the next layer will see.
            yield module.register_forward_hook(_adder(added), prepend=True)


def _adder(added: Tensor) -> Callable[[nn.Module, Any, Any], Any]:
    def add(module: nn.Module, args: Any, output: Any) -> Any:
        hidden = hidden_of(output)
        return with_hidden(output, hidden + added.to(hidden))

    return add

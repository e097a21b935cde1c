"""Stand between a model and its decoder layers, and put everything back afterwards.

A forward hook can replace a layer's output but not spare its work. A gate is set as the layer
instance's ``forward``: hooks still fire, and the layer runs only if the handler runs it.
"""

import inspect
from abc import ABC, abstractmethod
from typing import Any, Never, Self

from torch import Tensor, nn

from probexit.exits.depth.interception.layer_call import LayerCall
from probexit.hooks.layers import decoder_layers


class Handler(ABC):
    """Decides what happens when the model calls one of its layers."""

    @abstractmethod
    def layer(self, call: LayerCall) -> Tensor:
        """Return the hidden states ``[b, q, d]`` to give the next layer, run or not."""


class Gates:
    """Context manager: every decoder layer of ``model`` goes through ``handler``.

    Not thread-safe: one handler per model at a time.

    Attributes:
        executed: Row-tokens that ran each layer to its end; counted where the layer returns.

    Raises:
        ValueError: on entry, if gates stand there already; and if the model is copied meanwhile.
    """

    def __init__(self, model: Any, handler: Handler) -> None:
        self._layers = list(decoder_layers(model))
        self.handler = handler
        self.executed = [0] * len(self._layers)

    def __enter__(self) -> Self:
        if any(isinstance(vars(layer).get("forward"), _Gate) for layer in self._layers):
            raise ValueError(
                "layer exits are attached to this model already: leave their block first"
            )
        self._before = [vars(layer).get("forward") for layer in self._layers]
        for index, layer in enumerate(self._layers):
            # What stood there may be accelerate's own forward: it is called, and put back.
            vars(layer)["forward"] = _Gate(self, index, layer)
        return self

    def __exit__(self, *exception: object) -> None:
        for layer, before in zip(self._layers, self._before, strict=True):
            del vars(layer)["forward"]
            if before is not None:
                vars(layer)["forward"] = before

    def ran(self, index: int, rows: int, tokens: int) -> None:
        """Note that layer ``index`` ran to its end on ``rows`` x ``tokens``."""
        self.executed[index] += rows * tokens


class _Gate:
    def __init__(self, gates: Gates, index: int, layer: nn.Module) -> None:
        self.gates, self.index, self.forward = gates, index, layer.forward
        self.__wrapped__ = layer.forward  # signatures are read through it
        self.names = tuple(inspect.signature(layer.forward).parameters)[1:]
        self.form: type | None = None
        self.size = 1

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not args:
            args = (kwargs.pop("hidden_states"),)
        call = LayerCall(self.index, self._run, args[0], args[1:], kwargs, self.gates, self.names)
        hidden = self.gates.handler.layer(call)
        return hidden if self.form is None else self.form([hidden, *[None] * (self.size - 1)])

    def _run(self, *args: Any, **kwargs: Any) -> Any:
        output = self.forward(*args, **kwargs)
        if isinstance(output, tuple | list):
            self.form, self.size = type(output), len(output)
        return output

    def __deepcopy__(self, memo: dict[int, Any]) -> Never:
        raise ValueError("layer exits are attached: leave their block before copying the model")


def refuse_gradient(hidden: Tensor) -> None:
    """Refuse a pass that records gradients: skipped layers would silently get none.

    Args:
        hidden: Its states, of any shape.

    Raises:
        ValueError: naming the remedy.
    """
    if hidden.requires_grad:
        raise ValueError("layer exits do not record gradients: call under torch.inference_mode()")

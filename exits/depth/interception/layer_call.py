"""One call of a decoder layer, caught before it runs, so that fewer rows or tokens can run.

No per-model code: the model has made masks, positions and rotations for every row and token of the
pass; what stays is selected from them by shape. An argument whose shape does not tell is refused.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

from torch import Tensor
from transformers.cache_utils import Cache

from probexit.hooks.layers import hidden_of


class LayerCounter(Protocol):
    """Counts what ran."""

    def ran(self, index: int, rows: int, tokens: int) -> None:
        """Note that layer ``index`` ran to its end on ``rows`` x ``tokens``."""


@dataclass(frozen=True)
class LayerCall:
    """A layer about to run.

    Attributes:
        index: Index of the layer, from 0.
        forward: The layer's own forward.
        hidden: ``[b, q, d]`` its input.
        args: Other positional arguments.
        kwargs: Keyword arguments.
        counter: Told when the layer ran.
        names: Names of the parameters that positional arguments fill, in order.
    """

    index: int
    forward: Callable[..., Any]
    hidden: Tensor
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    counter: LayerCounter
    names: tuple[str, ...] = ()

    @property
    def cache(self) -> Any:
        """The key-value cache among the arguments.

        Raises:
            ValueError: if there is none.
        """
        for value in (*self.kwargs.values(), *self.args):
            if isinstance(value, Cache):
                return value
        raise ValueError("layers are left early only with a KV cache: call with use_cache=True")

    def run(self) -> Tensor:
        """Run the layer; return its hidden states ``[b, q, d]``."""
        output = self.forward(self.hidden, *self.args, **self.kwargs)
        self.counter.ran(self.index, self.hidden.shape[0], self.hidden.shape[1])
        return hidden_of(output)

    def with_cache(self, proxy: Any) -> "LayerCall":
        """Return the call with ``proxy`` in place of the cache."""
        cache = self.cache
        args = tuple(proxy if value is cache else value for value in self.args)
        kwargs = {k: proxy if value is cache else value for k, value in self.kwargs.items()}
        return replace(self, args=args, kwargs=kwargs)

    def argument(self, name: str) -> Any:
        """Return an argument by name, however it was passed; None if it was not."""
        return dict(zip(self.names, self.args, strict=False)).get(name, self.kwargs.get(name))

    def replaced(self, name: str, value: Any) -> "LayerCall":
        """Return the call with another value for an argument."""
        if name in self.names[: len(self.args)]:
            at = self.names.index(name)
            return replace(self, args=(*self.args[:at], value, *self.args[at + 1 :]))
        return replace(self, kwargs=self.kwargs | {name: value})

    def rows(self, index: Tensor) -> "LayerCall":
        """Return the call for these rows only, ``index [n]``; the cache is left as it is."""
        return self._mapped(self.hidden[index], lambda t: _rows(t, index, self.hidden.shape[0]))

    def tokens(self, first: int, hidden: Tensor) -> "LayerCall":
        """Return the call for the tokens from ``first`` on, whose input is ``hidden``.

        Keys are left whole: the tokens attend to all that came before them.
        """
        if first == 0:
            return self if hidden is self.hidden else replace(self, hidden=hidden)
        return self._mapped(hidden, lambda t: _tokens(t, first, self.hidden.shape[1]))

    def _mapped(self, hidden: Tensor, change: Callable[[Tensor], Tensor]) -> "LayerCall":
        args = tuple(_changed(value, change) for value in self.args)
        kwargs = {k: _changed(value, change) for k, value in self.kwargs.items()}
        return replace(self, hidden=hidden, args=args, kwargs=kwargs)


def _changed(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, tuple | list):
        return type(value)([_changed(item, change) for item in value])
    return value


def _rows(tensor: Tensor, index: Tensor, rows: int) -> Tensor:
    if tensor.ndim < 2 or tensor.shape[0] == 1:
        return tensor
    if tensor.shape[0] != rows:
        raise ValueError(
            f"a layer argument of shape {list(tensor.shape)} has no batch dimension of {rows} in "
            "front: leave layers early one prompt at a time with this model"
        )
    return tensor[index]


def _tokens(tensor: Tensor, first: int, tokens: int) -> Tensor:
    dim = 2 if tensor.ndim == 4 else min(1, tensor.ndim - 1)
    if tensor.ndim > 4 or tensor.shape[dim] != tokens:
        raise ValueError(
            f"a layer argument of shape {list(tensor.shape)} has no token dimension of {tokens} "
            "where it was expected: use the propagate policy with this model"
        )
    return tensor.narrow(dim, first, tokens - first)

"""Leave out attention or MLP of single layers: their output, which is added to a state, is zero."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from probexit.hooks.layers import decoder_layers, hidden_size

ATTENTION = ("self_attn", "attn", "attention")
MLP = ("mlp", "feed_forward", "block_sparse_moe")


@dataclass(frozen=True)
class Skips:
    """Which sublayers a pass leaves out.

    Attributes:
        attention: Layers without attention.
        mlp: Layers without MLP.
    """

    attention: tuple[int, ...] = ()
    mlp: tuple[int, ...] = ()

    @property
    def layers(self) -> set[int]:
        """Layers that are left out whole."""
        return set(self.attention) & set(self.mlp)

    def __len__(self) -> int:
        return len(self.attention) + len(self.mlp)

    def __str__(self) -> str:
        parts = (("attention", self.attention), ("MLP", self.mlp))
        told = [f"{name} {', '.join(map(str, chosen))}" for name, chosen in parts if chosen]
        return "; ".join(told) or "nothing"


NOTHING = Skips()


class Sublayers:
    """Attention and MLP of each decoder layer, found by their usual names.

    Args:
        model: Causal language model whose layers add what their two sublayers return.

    Raises:
        ValueError: if a layer has no module for one of the two.
    """

    def __init__(self, model: Any) -> None:
        layers = list(decoder_layers(model))
        self._attention = [_child(model, layer, ATTENTION) for layer in layers]
        self._mlp = [_child(model, layer, MLP) for layer in layers]
        device = next(self._mlp[0].parameters()).device
        self._sample = torch.zeros(1, 1, hidden_size(model), device=device, dtype=model.dtype)

    def __len__(self) -> int:
        return len(self._mlp)

    @contextmanager
    def without(self, skips: Skips) -> Iterator[None]:
        """Leave sublayers out inside the block; the model is restored after any exception.

        What is left out writes no keys and values.
        """
        skipped = [(self._attention[i], _no_attention) for i in skips.attention]
        skipped += [(self._mlp[i], self._no_mlp(i)) for i in skips.mlp]
        before = [(module, vars(module).get("forward")) for module, _ in skipped]
        try:
            for module, nothing in skipped:
                vars(module)["forward"] = nothing
            yield
        finally:
            for module, forward in before:
                vars(module).pop("forward", None)
                if forward is not None:
                    vars(module)["forward"] = forward

    def _no_mlp(self, index: int) -> Callable[..., Any]:
        """Return a stand-in for an MLP; some, of experts, return their choice beside the states."""
        with torch.inference_mode():
            output = self._mlp[index](self._sample)
        if isinstance(output, Tensor):
            return _zeros
        size = len(output)
        return lambda *args, **kwargs: (_zeros(*args, **kwargs), *[None] * (size - 1))


def _zeros(*args: Any, **kwargs: Any) -> Tensor:
    return torch.zeros_like(args[0] if args else kwargs["hidden_states"])


def _no_attention(*args: Any, **kwargs: Any) -> tuple[Tensor, None]:
    return _zeros(*args, **kwargs), None


def _child(model: Any, layer: nn.Module, names: tuple[str, ...]) -> nn.Module:
    for name in names:
        module = getattr(layer, name, None)
        if isinstance(module, nn.Module):
            return module
    raise ValueError(
        f"{type(model).__name__}: a layer has no module named {', '.join(names)}: its sublayers "
        "cannot be left out, only whole layers"
    )

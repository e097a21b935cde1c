"""What goes into the linear maps and norms of every layer, kept for the newest forward pass."""

from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from probexit.hooks.handles import Hooks
from probexit.hooks.layers import decoder_layers, final_norm

SUPPORTED = ("llama", "mistral")
"""Types whose layers have the parts below, and nothing else between them."""
PARTS = {
    "before": "input_layernorm",
    "attention": "self_attn.q_proj",
    "heads": "self_attn.o_proj",
    "middle": "post_attention_layernorm",
    "gate": "mlp.gate_proj",
    "inner": "mlp.down_proj",
}


class UnsupportedType(ValueError):
    """A model whose layers have other parts than those that are read here."""


class Activations(Hooks):
    """Context manager that keeps what goes into the parts of each layer, ``[b, q, ...]``.

    It reads and never changes: logits are bitwise the same with and without it.

    Args:
        model: A causal language model of a supported type.

    Attributes:
        layers: For each layer the inputs by the names of ``PARTS``.
        last: The input of the final norm, ``[b, q, d]``.

    Raises:
        UnsupportedType: on a model of another type.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        kind = model.config.model_type
        if kind not in SUPPORTED:
            raise UnsupportedType(
                f"parameters cannot be inserted beside a {kind}: use one of {', '.join(SUPPORTED)}"
            )
        self._blocks = list(decoder_layers(model))
        self._norm = final_norm(model)
        self.layers: list[dict[str, Tensor]] = [{} for _ in self._blocks]
        self.last: Tensor

    def _register(self) -> Iterator[RemovableHandle]:
        for kept, block in zip(self.layers, self._blocks, strict=True):
            for name, path in PARTS.items():
                yield block.get_submodule(path).register_forward_pre_hook(_keeper(kept, name))
        yield self._norm.register_forward_pre_hook(self._keep_last)

    def _keep_last(self, module: nn.Module, args: Any) -> None:
        self.last = args[0].detach()


def _keeper(kept: dict[str, Tensor], name: str) -> Callable[[nn.Module, Any], None]:
    def keep(module: nn.Module, args: Any) -> None:
        kept[name] = args[0].detach()

    return keep

"""Find where attention heads can still be told apart: the input of a layer's output projection.

There the heads of a layer stand side by side, ``[b, t, heads * width]``. Where the rule below
fails, name the projection yourself, by its path inside a layer:
``model.probexit_attention_output = "self_attn.o_proj"``.
"""

from typing import Any

from torch import nn

from probexit.hooks.layers import decoder_layers, hidden_size

NAMES = ("o_proj", "out_proj", "c_proj", "dense", "wo")  # Llama and kin, OPT, GPT-2, NeoX, InternLM
REMEDY = 'name it yourself: model.probexit_attention_output = "self_attn.o_proj"'


def attention_output(model: Any, layer: int) -> nn.Module:
    """Return the output projection of the self-attention of decoder layer ``layer``.

    It is the one module by one of the usual names inside the one child whose name speaks of
    attention.

    Raises:
        ValueError: if there is no such layer, or not exactly one such module, with the remedy.
    """
    layers = decoder_layers(model)
    if not 0 <= layer < len(layers):
        raise ValueError(
            f"layer {layer} has no heads: {type(model).__name__} has layers 0 to {len(layers) - 1}"
        )
    path = getattr(model, "probexit_attention_output", None)
    if path is not None:
        return _named(layers[layer], path)
    found: dict[str, nn.Module] = {
        name: module
        for name, module in layers[layer].named_modules()
        if "att" in name.partition(".")[0] and name.rpartition(".")[2] in NAMES
    }
    if len(found) != 1:
        seen = ", ".join(found) or "none"
        raise ValueError(
            f"{type(model).__name__}: expected one attention output projection in layer {layer}, "
            f"found: {seen}; {REMEDY}"
        )
    return next(iter(found.values()))


def head_shape(model: Any) -> tuple[int, int]:
    """Return how many attention heads a layer has, and the width of each."""
    config = model.config.get_text_config(decoder=True)
    heads = int(config.num_attention_heads)
    return heads, int(getattr(config, "head_dim", None) or hidden_size(model) // heads)


def _named(layer: nn.Module, path: str) -> nn.Module:
    try:
        return layer.get_submodule(path)
    except AttributeError as error:
        raise ValueError(
            f"model.probexit_attention_output: a {type(layer).__name__} has no module {path!r}"
        ) from error

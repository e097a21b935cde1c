"""Find the parts of any causal language model: its decoder layers, final norm and unembedding.

**Layer index, for the whole project.** With ``L`` decoder layers, layer ``i`` in ``0..L-1`` is the
residual stream after decoder layer ``i`` (transformers' ``hidden_states[i + 1]``, before the final
norm). Index ``L`` is the output of the final norm (transformers' ``hidden_states[-1]``), which LYNX
(arXiv 2512.05325) calls the last layer.

Where the rules below fail, name the parts yourself, by their path inside the model:
``model.probexit_layers = "model.layers"`` and ``model.probexit_norm = "model.norm"``.
"""

from collections.abc import Iterable
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

LAYERS_REMEDY = 'name it yourself: model.probexit_layers = "model.layers"'
NORM_REMEDY = 'name it yourself: model.probexit_norm = "model.norm"'


UNALIGNED = {"cpmant": "puts tokens of its own before every text, so that columns are not tokens"}
"""Types whose layers return other columns than the text has."""


def decoder_layers(model: Any) -> nn.ModuleList:
    """Return the decoder layers of a causal language model, or of a multimodal model's text part.

    They are the one ``ModuleList`` of the text decoder that has ``num_hidden_layers`` entries and
    lies in no other such list.

    Raises:
        ValueError: if there is none or more than one, with the remedy.
    """
    odd = UNALIGNED.get(getattr(model.config, "model_type", ""))
    if odd is not None:
        raise ValueError(f"{type(model).__name__} {odd}: it is not supported")
    path = getattr(model, "probexit_layers", None)
    if path is not None:
        return _named_list(model, path)
    wanted = getattr(_text_config(model), "num_hidden_layers", None)
    found = _lists(_decoder(model), wanted) or _lists(model, wanted)
    if len(found) != 1:
        seen = ", ".join(found) or "none"
        raise ValueError(
            f"{type(model).__name__}: expected one list of {wanted} decoder layers, found: {seen}; "
            f"{LAYERS_REMEDY}"
        )
    return next(iter(found.values()))


class NoFinalNorm(ValueError):
    """A model whose last layer is followed by no norm, or by one that was not found."""


def final_norm(model: Any) -> nn.Module:
    """Return the norm between the last decoder layer and the unembedding.

    It is the one norm of full width that the owner of the decoder layers holds beside them. Where
    there are several, where one is named after the embeddings, or has no weights, the model is run
    on one token: it is the norm that runs last, behind the layers.

    Raises:
        ValueError: if there is none, with the remedy.
    """
    path = getattr(model, "probexit_norm", None)
    if path is not None:
        return _named(model, path)
    layers = decoder_layers(model)
    modules: Iterable[nn.Module] = model.modules()
    owner = next(m for m in modules if any(child is layers for child in m.children()))
    width = torch.Size([hidden_size(model)])
    beside = {n: m for n, m in owner.named_children() if _is_norm(m, width)}
    if len(beside) == 1:
        ((name, norm),) = beside.items()
        if _weight_shape(norm) == width and "emb" not in name:
            return norm
    found = _runs_last(model, layers, width)
    if found is None:
        raise NoFinalNorm(f"{type(model).__name__}: no final norm behind its layers; {NORM_REMEDY}")
    return found


_RUN: WeakKeyDictionary[Any, str | None] = WeakKeyDictionary()


def _runs_last(model: Any, layers: nn.ModuleList, width: torch.Size) -> nn.Module | None:
    """Return the norm of the decoder that runs behind its last layer; None if none does."""
    if model not in _RUN:
        _RUN[model] = _seen_last(model, layers, width)
    name = _RUN[model]
    return None if name is None else _named(model, name)


@torch.inference_mode()
def _seen_last(model: Any, layers: nn.ModuleList, width: torch.Size) -> str | None:
    inside = {id(module) for module in layers.modules()}
    base = getattr(model, "base_model", model)  # a head may have norms of its own
    body = {id(module) for module in base.modules()}
    norms = {
        name: module
        for name, module in model.named_modules()
        if _is_norm(module, width) and id(module) in body and id(module) not in inside
    }
    order: list[str] = []
    handles = [layers[-1].register_forward_hook(lambda *_: order.append(""))]
    for name, module in norms.items():
        handles.append(module.register_forward_hook(lambda *_, name=name: order.append(name)))
    try:
        model(input_ids=torch.zeros(1, 1, dtype=torch.long, device=model.device))
    except Exception as error:  # whatever a model raises that takes more than tokens
        raise ValueError(
            f"{type(model).__name__}: its final norm was looked for by running it on one token, "
            f"which failed ({error}); {NORM_REMEDY}"
        ) from error
    finally:
        for handle in handles:
            handle.remove()
    behind = order[len(order) - order[::-1].index("") :] if "" in order else []
    return behind[-1] if behind else None


def _is_norm(module: nn.Module, width: torch.Size) -> bool:
    return "norm" in type(module).__name__.lower() and _weight_shape(module) in (width, None)


def unembedding(model: Any) -> nn.Module:
    """Return the module that maps the final norm's output ``[..., d]`` to logits ``[..., V]``.

    Raises:
        ValueError: if the model was loaded without its head.
    """
    head = model.get_output_embeddings()
    if not isinstance(head, nn.Module):
        raise ValueError(
            f"{type(model).__name__} has no unembedding; load it with AutoModelForCausalLM"
        )
    return head


def hidden_size(model: Any) -> int:
    """Return ``d``, the width of the residual stream."""
    return int(_text_config(model).hidden_size)


def n_layers(model: Any) -> int:
    """Return ``L``, the number of decoder layers."""
    return len(decoder_layers(model))


def module_at(model: Any, layer: int) -> nn.Module:
    """Return the module whose output is ``layer`` in ``0..L`` (``L`` is the final norm).

    Layers that end in a norm of their own (BERT, BART) have none behind the last: ``L`` is then the
    last layer's output, which transformers, too, calls ``hidden_states[-1]``.

    Raises:
        ValueError: if there is no such layer.
    """
    layers = decoder_layers(model)
    if not 0 <= layer <= len(layers):
        raise ValueError(
            f"layer {layer} does not exist: {type(model).__name__} has layers 0 to "
            f"{len(layers) - 1}, and {len(layers)} is the output of its final norm"
        )
    if layer < len(layers):
        return layers[layer]
    try:
        return final_norm(model)
    except NoFinalNorm:
        return layers[-1]


def hidden_of(output: Any) -> Tensor:
    """Return the hidden states ``[b, t, d]`` in what a decoder layer returned.

    Args:
        output: The states themselves, or a tuple or list that begins with them.

    Raises:
        ValueError: if they are not a tensor of three dimensions.
    """
    hidden = output[0] if isinstance(output, (tuple, list)) else output
    if not isinstance(hidden, Tensor) or hidden.ndim != 3:
        shape = list(hidden.shape) if isinstance(hidden, Tensor) else type(hidden).__name__
        raise ValueError(
            f"a layer returned {shape} where hidden states [batch, tokens, width] were expected; "
            'point model.probexit_layers at modules that return them, as in "model.layers"'
        )
    return hidden


def with_hidden(output: Any, hidden: Tensor) -> Any:
    """Return a decoder layer's ``output`` with other hidden states; it is not written into."""
    if isinstance(output, (tuple, list)):
        return type(output)([hidden, *output[1:]])
    return hidden


def _text_config(model: Any) -> Any:
    return model.config.get_text_config(decoder=True)


def _decoder(model: Any) -> nn.Module:
    decoder: nn.Module | None = model.get_decoder() if hasattr(model, "get_decoder") else model
    return model if decoder is None else decoder


def _lists(root: nn.Module, length: int | None) -> dict[str, nn.ModuleList]:
    found = {
        name: module
        for name, module in root.named_modules()
        if isinstance(module, nn.ModuleList) and len(module) == length
    }
    # Experts may be as many as layers, but lie inside them.
    return {n: m for n, m in found.items() if not any(n.startswith(f"{o}.") for o in found)}


def _weight_shape(module: nn.Module) -> torch.Size | None:
    weight = getattr(module, "weight", None)
    return weight.shape if isinstance(weight, Tensor) else None


def _named(model: nn.Module, path: str) -> nn.Module:
    try:
        return model.get_submodule(path)
    except AttributeError as error:
        raise ValueError(f"{type(model).__name__} has no module {path!r}: {error}") from error


def _named_list(model: nn.Module, path: str) -> nn.ModuleList:
    layers = _named(model, path)
    if not isinstance(layers, nn.ModuleList):
        raise ValueError(f"model.probexit_layers: {path!r} is a {type(layers).__name__}, no list")
    return layers

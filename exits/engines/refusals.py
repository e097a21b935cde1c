"""Modes in which an exit cannot work, refused by name before anything runs."""

from typing import Any

from probexit.exits.engines.cache import keeps_state_inside, layer_plan
from probexit.exits.engines.row_layer import RowLayer
from probexit.hooks.layers import UNALIGNED

_BEAMS = "beam search re-orders rows between steps"
_SEVERAL = "assisted decoding runs several tokens a step"
REFUSED = {
    "num_beams": _BEAMS,
    "num_beam_groups": _BEAMS,
    "constraints": _BEAMS,
    "force_words_ids": _BEAMS,
    "assistant_model": _SEVERAL,
    "assistant_early_exit": _SEVERAL,
    "prompt_lookup_num_tokens": _SEVERAL,
    "use_mtp": _SEVERAL,
    "custom_generate": "a custom loop may not run logits processors",
    "dola_layers": "contrasting layers is a custom loop",
    "penalty_alpha": "contrastive search re-orders candidates",
    "guidance_scale": "guidance runs the model twice a step",
    "prefill_chunk_size": "a prefill in chunks takes several passes",
}
UNSUPPORTED = {
    "git": "gives padded rows other texts than they have alone",
    "moshi": "reads sound beside its text",
    "rwkv": "lets the rows of a batch move each other",
}
_OFF = {"num_beams": 1, "num_beam_groups": 1, "guidance_scale": 1, "penalty_alpha": 0}


def refuse_training(model: Any) -> None:
    """Refuse a model in training mode (dropout makes replay and live differ).

    Raises:
        ValueError: naming the remedy.
    """
    if model.training:
        raise ValueError("the model is in training mode: call model.eval() first")


def refuse_architecture(model: Any) -> None:
    """Refuse models that do not write one text from left to right, each row by itself.

    Encoder-decoders read their prompt elsewhere: their thinking has no prompt before it. A BERT
    that is not loaded as a decoder sees the tokens behind the one it reads.

    Raises:
        ValueError: naming the model, the reason, and the remedy if there is one.
    """
    name = type(model).__name__
    if getattr(model.config, "is_encoder_decoder", False):
        raise ValueError(f"{name} is an encoder-decoder: only decoder-only models are supported")
    reason = {**UNALIGNED, **UNSUPPORTED}.get(model.config.model_type)
    if reason is not None:
        raise ValueError(f"{name} {reason}: it is not supported")
    if getattr(model.config, "is_decoder", True) is False and any(
        vars(module).get("is_decoder") is False for module in model.modules()
    ):
        raise ValueError(
            f"{name} is loaded as an encoder, whose tokens see those behind them: load it with "
            "is_decoder=True in its configuration"
        )


def refuse_inner_state(model: Any) -> None:
    """Refuse trial answers on a model that keeps its state in its layers instead of its cache.

    Raises:
        ValueError: naming the model.
    """
    if keeps_state_inside(model):
        raise ValueError(
            f"{type(model).__name__} keeps its state inside its layers, where it cannot be copied: "
            "use a signal without trial answers"
        )


def refuse_recurrent_state(model: Any) -> None:
    """Refuse models that keep a state which cannot be cut back to a prefix.

    Raises:
        ValueError: naming the layer.
    """
    for index, (layer, _) in enumerate(layer_plan(model)):
        if layer is not RowLayer:
            raise ValueError(
                f"layer {index} of {type(model).__name__} keeps a state that cannot be cut back: "
                "tokens cannot be taken back on this model"
            )


def generate_setting(model: Any, kwargs: dict[str, Any], name: str) -> Any:
    """Look a setting up as ``generate`` does: argument, given config, the model's config."""
    places = (kwargs.get("generation_config"), model.generation_config)
    values = (kwargs.get(name), *(getattr(place, name, None) for place in places))
    return next((value for value in values if value is not None), None)


def refuse_generate(model: Any, kwargs: dict[str, Any], controller: str) -> None:
    """Refuse modes of ``generate`` that run other than one pass and one token per row and step.

    Args:
        model: The model.
        kwargs: The keyword arguments of the call.
        controller: What is attached, for the message: "an exit controller".

    Raises:
        ValueError: naming the setting and the reason.
    """
    for name, reason in REFUSED.items():
        value = generate_setting(model, kwargs, name)
        if value is not None and value is not False and value != _OFF.get(name):
            raise ValueError(
                f"{name}={value} cannot work with {controller}: {reason}; use greedy decoding or "
                "sampling"
            )

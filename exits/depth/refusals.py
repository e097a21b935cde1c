"""Models and modes in which layers cannot be left early, refused by name."""

from typing import Any

from torch import Tensor

from probexit.exits.engines.generate import Attachment
from probexit.exits.engines.refusals import refuse_training

_RECURRENT = ("linear", "mamba", "conv", "recurrent", "rwkv", "hybrid")


def refuse_model(model: Any) -> None:
    """Refuse a model some of whose layers hold no keys and values of their own.

    Raises:
        ValueError: naming the reason.
    """
    refuse_training(model)
    config = model.config.get_text_config(decoder=True)
    if model.config.is_encoder_decoder:
        raise ValueError("layer exits work on decoder-only models, not on encoder-decoders")
    for kind in getattr(config, "layer_types", None) or []:
        if any(word in kind for word in _RECURRENT):
            raise ValueError(
                f"layers of type {kind!r} keep a recurrent state: a token that skips one cannot be "
                "made up for; use exits from the reasoning (ExitController) with this model"
            )
    if getattr(config, "num_kv_shared_layers", 0):
        raise ValueError(
            f"{config.num_kv_shared_layers} layers share the keys and values of another "
            "(KV sharing): they cannot be skipped"
        )


def refuse_gradient(hidden: Tensor) -> None:
    """Refuse a pass that records gradients: skipped layers would silently get none.

    Raises:
        ValueError: naming the remedy.
    """
    if hidden.requires_grad:
        raise ValueError("layer exits do not record gradients: call under torch.inference_mode()")


_GENERATE = {
    "num_beams": "beam search",
    "num_beam_groups": "beam search",
    "assistant_model": "assisted decoding",
    "assistant_early_exit": "assisted decoding",
    "prompt_lookup_num_tokens": "prompt lookup",
    "penalty_alpha": "contrastive search",
}


def refuse_generate(settings: Any, kwargs: dict[str, Any]) -> None:
    """Refuse modes of ``generate`` that run other than one new token per row and step.

    Raises:
        ValueError: naming the mode.
    """
    for name, mode in _GENERATE.items():
        value = kwargs.get(name, getattr(settings, name, None))
        single = name.startswith("num_beam") and value == 1
        if value and not single:
            raise ValueError(
                f"{name}={value}: {mode} does not work with layer exits; use greedy or sampling"
            )


def refuse_stale_signal(model: Any, first_exit: int) -> None:
    """Refuse a reasoning controller whose signal reads layers that tokens may skip.

    Raises:
        ValueError: naming the layer.
    """
    outer = getattr(vars(model).get("generate"), "__self__", None)
    if not isinstance(outer, Attachment):
        return
    for layer in outer.controller.signal.layers:
        if layer > first_exit:
            raise ValueError(
                f"the reasoning controller reads layer {layer}, which tokens that leave at layer "
                f"{first_exit} never reach: choose exit layers from {layer} on"
            )

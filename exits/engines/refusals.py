"""Modes in which an exit cannot work, refused by name before anything runs."""

from typing import Any

_UNMOVABLE = ("linear", "mamba", "conv", "recurrent", "rwkv", "hybrid")


def refuse_training(model: Any) -> None:
    """Refuse a model in training mode (dropout makes replay and live differ).

    Raises:
        ValueError: naming the remedy.
    """
    if model.training:
        raise ValueError("the model is in training mode: call model.eval() first")


def refuse_unmovable_cache(model: Any) -> None:
    """Refuse models with layers whose state is not keys and values.

    Raises:
        ValueError: naming the layer type.
    """
    config = model.config.get_text_config(decoder=True)
    for kind in getattr(config, "layer_types", None) or []:
        if any(word in kind for word in _UNMOVABLE):
            raise ValueError(
                f"layers of type {kind!r} keep a state that cannot move between rows: "
                "use attach() with model.generate, which keeps rows in place"
            )

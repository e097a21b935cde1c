"""Modes in which an exit cannot work, refused by name before anything runs."""

from typing import Any

from probexit.exits.engines.cache import layer_plan
from probexit.exits.engines.row_layer import RowLayer


def refuse_training(model: Any) -> None:
    """Refuse a model in training mode (dropout makes replay and live differ).

    Raises:
        ValueError: naming the remedy.
    """
    if model.training:
        raise ValueError("the model is in training mode: call model.eval() first")


def refuse_encoder_decoder(model: Any) -> None:
    """Refuse models whose prompt is read by an encoder: their thinking has no prompt before it.

    Raises:
        ValueError: naming the model.
    """
    if getattr(model.config, "is_encoder_decoder", False):
        raise ValueError(
            f"{type(model).__name__} is an encoder-decoder: only decoder-only models are supported"
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

"""Models and modes in which layers cannot be left early, refused by name."""

from typing import Any

from probexit.exits.controller import ExitController
from probexit.exits.depth.modes.base import Mode
from probexit.exits.engines.cache import layer_plan
from probexit.exits.engines.exit_processor import ExitProcessor
from probexit.exits.engines.generate import Attachment
from probexit.exits.engines.refusals import refuse_architecture, refuse_training
from probexit.exits.engines.row_layer import RowLayer
from probexit.exits.signals.base import Trial


def refuse_model(model: Any) -> None:
    """Refuse a model some of whose layers hold no keys and values of their own.

    Raises:
        ValueError: naming the reason.
    """
    refuse_training(model)
    config = model.config.get_text_config(decoder=True)
    refuse_architecture(model)
    for index, (layer, _) in enumerate(layer_plan(model)):
        if layer is not RowLayer:
            raise ValueError(
                f"layer {index} keeps a recurrent state, or nothing: a token that skips one cannot "
                "be made up for; use exits from the reasoning (ExitController) with this model"
            )
    if getattr(config, "num_kv_shared_layers", 0):
        raise ValueError(
            f"{config.num_kv_shared_layers} layers share the keys and values of another "
            "(KV sharing): they cannot be skipped"
        )


def refuse_around(model: Any, mode: Mode, first_exit: int) -> None:
    """Refuse a reasoning controller that is attached already and cannot work with this mode.

    Raises:
        ValueError: naming the reason, and the order that works if there is one.
    """
    outer = getattr(vars(model).get("generate"), "__self__", None)
    if not isinstance(outer, Attachment):
        return
    refuse_reasoning(outer.controller, mode, first_exit)
    if not mode.batched:
        raise ValueError(
            f"{type(mode).__name__} brings a loop of its own, which must be in place before a "
            "reasoning controller is attached: `with depth.attach(model), attach(model, tokenizer, "
            "controller):`"
        )


def refuse_inside(processors: Any, mode: Mode, first_exit: int) -> None:
    """Refuse the same where the reasoning controller was attached inside the depth's block.

    Args:
        processors: Logits processors of a call of ``generate``.
        mode: Mode of the layer exits.
        first_exit: Their lowest exit layer.

    Raises:
        ValueError: naming the reason.
    """
    for processor in processors or []:
        if isinstance(processor, ExitProcessor):
            refuse_reasoning(processor.session.controller, mode, first_exit)


def refuse_reasoning(controller: ExitController, mode: Mode, first_exit: int) -> None:
    """Refuse a reasoning controller that needs what tokens leave out, or passes of its own.

    Raises:
        ValueError: naming the reason.
    """
    if not mode.steady:
        raise ValueError(
            f"{type(mode).__name__} drafts tokens and takes some back; a reasoning controller "
            "must see each token once: use Leave or CatchUp with it"
        )
    if controller.signal.trial is not Trial.NONE:
        raise ValueError(
            f"{type(controller.signal).__name__} decodes trial answers in passes of its own, which "
            "layer exits would count as tokens of the text: use a signal without trials"
        )
    for layer in controller.signal.layers:
        if layer > first_exit:
            raise ValueError(
                f"the reasoning controller reads layer {layer}, which tokens that leave at layer "
                f"{first_exit} never reach: choose exit layers from {layer} on"
            )

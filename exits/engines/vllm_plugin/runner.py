"""A place for the controller in vLLM's model runner: behind the forward pass, before sampling."""

import logging
from functools import wraps
from typing import Any

from probexit.exits.engines.server.settings import Settings
from probexit.exits.engines.vllm_plugin.attachment import PluginAttachment
from probexit.exits.engines.vllm_plugin.batch import BatchExits
from probexit.exits.engines.vllm_plugin.checkpoint import refuse_other_model
from probexit.exits.engines.vllm_plugin.core import with_asks
from probexit.exits.engines.vllm_plugin.processor import ExitLogitsProcessor
from probexit.exits.engines.vllm_plugin.states import LayerHooks, auxiliary_layers
from probexit.exits.production.oversight import Oversight

logger = logging.getLogger("vllm.probexit")


def patch_runner(settings: Settings, oversight: Oversight, attachment: PluginAttachment) -> None:
    """Let every model runner made from now on carry a controller, in its attribute ``probexit``."""
    from vllm.v1.worker.gpu_model_runner import GPUModelRunner

    attachment.patches.put(GPUModelRunner, "probexit", None)
    before = {
        name: getattr(GPUModelRunner, name)
        for name in (
            "__init__",
            "_get_eagle3_aux_layers_from_config",
            "_setup_eagle3_aux_hidden_state_outputs",
            "_update_states",
            "execute_model",
            "sample_tokens",
        )
    }

    @wraps(before["__init__"])
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        before["__init__"](self, *args, **kwargs)
        if not self.is_pooling_model:
            _enter(self, settings, oversight)
            attachment.runners.add(self)

    @wraps(before["_get_eagle3_aux_layers_from_config"])
    def aux_layers(self: Any) -> Any:
        if self.probexit is None:
            return before["_get_eagle3_aux_layers_from_config"](self)
        return auxiliary_layers(settings.layers, self.probexit.depth)

    @wraps(before["_setup_eagle3_aux_hidden_state_outputs"])
    def setup(self: Any) -> None:
        if self.probexit is not None:
            _look_at_model(self, settings)
        before["_setup_eagle3_aux_hidden_state_outputs"](self)

    @wraps(before["_update_states"])
    def update_states(self: Any, scheduler_output: Any) -> Any:
        if self.probexit is not None:
            self.probexit.finish(scheduler_output.finished_req_ids)
        return before["_update_states"](self, scheduler_output)

    @wraps(before["execute_model"])
    def execute_model(self: Any, *args: Any, **kwargs: Any) -> Any:
        return _asking(self, before["execute_model"](self, *args, **kwargs))

    @wraps(before["sample_tokens"])
    def sample_tokens(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self.probexit is not None:
            self.probexit.passed(self.execute_model_state)
        return _asking(self, before["sample_tokens"](self, *args, **kwargs))

    for wrapped in (__init__, aux_layers, setup, update_states, execute_model, sample_tokens):
        attachment.patches.put(GPUModelRunner, wrapped.__name__, wrapped)


def _asking(runner: Any, output: Any) -> Any:
    """Return what a pass gave with the answers to ask for; None goes on to be sampled."""
    if output is None or runner.probexit is None:
        return output
    return with_asks(output, list(runner.probexit.asks()))


def _enter(runner: Any, settings: Settings, oversight: Oversight) -> None:
    """Give a new runner its controller."""
    mine = [
        processor
        for processor in runner.input_batch.logitsprocs.non_argmax_invariant
        if isinstance(processor, ExitLogitsProcessor)
    ]
    if len(mine) != 1:
        raise ValueError(f"expected one ExitLogitsProcessor in vLLM, found {len(mine)}")
    from vllm.distributed.parallel_state import get_tp_group

    mine[0].runner = runner
    first = get_tp_group().rank_in_group == 0  # of those that share the model's weights
    runner.probexit = BatchExits(runner, settings, oversight, first)


def _look_at_model(runner: Any, settings: Settings) -> None:
    """Check the loaded model, and choose how its states are read.

    Raises:
        ValueError: if the controller was made for another model, or its states cannot be read.
    """
    from vllm.model_executor.models.interfaces import supports_eagle3

    model = runner.get_model()
    for controller in settings.controllers:
        if controller.model is not None:
            refuse_other_model(controller.model, model, runner.model_config)
        made, here = controller.certificate.get("dtype"), str(runner.model_config.dtype)
        if made and here != f"torch.{made}":
            logger.warning("probexit: certified in %s, served in %s: calibrate there", made, here)
    exits = runner.probexit
    if not auxiliary_layers(settings.layers, exits.depth):
        return  # nothing but the final norm, which the runner has anyway
    if supports_eagle3(model):
        runner.use_aux_hidden_state_outputs = True
    elif runner.model_config.enforce_eager:
        exits.hooks = LayerHooks(model, settings.layers, exits.depth)
        logger.warning("probexit: %s gives no states; hooks read them", type(model).__name__)
    else:
        raise ValueError(
            f"{type(model).__name__} gives vLLM no hidden states of its layers, and hooks are not "
            "called in compiled models: add --enforce-eager"
        )

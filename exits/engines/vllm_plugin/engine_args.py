"""Set vLLM's own options as exits need them, and refuse those that cannot be."""

import logging
import os
from functools import wraps
from typing import Any

from probexit.exits.engines.server.options import refuse_options
from probexit.exits.engines.server.patches import Patches
from probexit.exits.engines.server.settings import Settings

PROCESSOR = "probexit.exits.engines.vllm_plugin.processor:ExitLogitsProcessor"
ALONE = {
    "pipeline_parallel_size": "states of earlier stages are not collected here",
    "data_parallel_size": "several engines would write one log; serve each by itself",
    "prefill_context_parallel_size": "a process then sees a part of the states",
}
"""Numbers that must be 1, and why."""
RUNNER = "VLLM_USE_V2_MODEL_RUNNER"
logger = logging.getLogger("vllm.probexit")  # under vLLM's own logger, so that it is shown


def patch_engine_args(settings: Settings, patches: Patches) -> None:
    """Let every engine configuration made from now on have the controller in it."""
    from vllm.engine.arg_utils import EngineArgs

    before = EngineArgs.create_engine_config

    @wraps(before)
    def create_engine_config(self: Any, *args: Any, **kwargs: Any) -> Any:
        prepare(self, settings)
        return before(self, *args, **kwargs)

    patches.put(EngineArgs, "create_engine_config", create_engine_config)
    patches.keep_variable(RUNNER)


def prepare(args: Any, settings: Settings) -> None:
    """Change ``EngineArgs`` in place.

    Raises:
        ValueError: naming an option under which a controller cannot work.
    """
    refuse_options(args, "speculative_config", ALONE)
    if args.async_scheduling:
        raise ValueError(
            "async_scheduling: a pass then starts before the last one is decided; leave it out"
        )
    args.async_scheduling = False
    given = list(args.logits_processors or [])
    if PROCESSOR not in given:
        args.logits_processors = [*given, PROCESSOR]
    _first_runner()
    # Compiled graphs are kept on disk by their configuration: these return more layers than others.
    extra = args.additional_config if isinstance(args.additional_config, dict) else {}
    args.additional_config = {**extra, "probexit_layers": list(settings.layers)}
    logger.info("probexit: async scheduling off; layers %s are read", list(settings.layers))


def _first_runner() -> None:
    """Choose the model runner that is known here, and say so.

    Raises:
        ValueError: if the environment asks for the other one.
    """
    if os.environ.get(RUNNER, "0").lower() not in ("0", "false", ""):
        raise ValueError(f"{RUNNER}=1: exits were tried on model runner V1 only; unset it")
    os.environ[RUNNER] = "0"
    logger.info("probexit: model runner V1 (%s=0)", RUNNER)

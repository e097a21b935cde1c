"""Puts the controller into SGLang, in each of its processes."""

import logging
import os
from functools import wraps
from typing import Any

from probexit.exits.engines.server.environment import CONTROLLER
from probexit.exits.engines.server.patches import Patches
from probexit.exits.engines.server.versions import installed, refuse_version

READ = "0.5.23"
"""The version whose source this was written against; what is used of it is no public interface."""
_PATCHES = Patches()  # of this process
logger = logging.getLogger("sglang.probexit")


def register() -> None:
    """Put the controller that the environment names into SGLang; do nothing if it names none.

    SGLang goes on without a plugin that fails. Whatever is wrong here is therefore raised again
    where its options are resolved, which stops the start.
    """
    if not os.environ.get(CONTROLLER):
        return
    try:
        refuse_version("SGLang", READ, installed("sglang"))
        _install()
    except Exception as error:
        _stop_the_start(error)
        raise


def detach() -> None:
    """Put SGLang's own back in this process; what is made from now on is as without probexit.

    A scheduler that runs, in a process of its own, keeps its controller to its end.
    """
    _PATCHES.close()


def _install() -> None:
    """Wrap what a controller needs of SGLang."""
    from sglang.srt.layers.sampler import Sampler
    from sglang.srt.managers.scheduler import Scheduler
    from sglang.srt.runtime_context import get_parallel
    from sglang.srt.server_args import ServerArgs

    from probexit.exits.engines.server.settings import Settings
    from probexit.exits.engines.sglang_plugin.scheduler_exits import SchedulerExits
    from probexit.exits.engines.sglang_plugin.server_args import prepare

    settings = Settings.from_environment()
    if settings.audit.rate:
        raise ValueError("the audit share runs in the own loop, generate and vLLM, not in SGLang")
    at_work: list[SchedulerExits] = []  # one scheduler a process
    resolve, begin = ServerArgs.resolve_once, Scheduler.__init__
    run, process = Scheduler.run_batch, Scheduler.process_batch_result
    sample, preprocess = Sampler.forward, Sampler._preprocess_logits

    @wraps(resolve)
    def resolve_once(self: Any) -> None:
        if not getattr(self, "_resolution_finished", False):
            prepare(self, settings)
        resolve(self)

    @wraps(begin)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        begin(self, *args, **kwargs)
        at_work[:] = [SchedulerExits(self, settings, get_parallel().tp_rank == 0)]
        logger.warning("probexit: this was written for SGLang %s and never run on it", READ)

    @wraps(run)
    def run_batch(self: Any, batch: Any, *args: Any, **kwargs: Any) -> Any:
        at_work[0].scheduled(batch.reqs)
        result = run(self, batch, *args, **kwargs)
        at_work[0].returned(not batch.is_prefill_only)
        return result

    @wraps(process)
    def process_batch_result(self: Any, batch: Any, *args: Any, **kwargs: Any) -> Any:
        reqs = list(batch.reqs)
        result = process(self, batch, *args, **kwargs)
        at_work[0].ended(reqs)
        return result

    @wraps(sample)
    def forward(self: Any, logits_output: Any, *args: Any, **kwargs: Any) -> Any:
        if at_work:
            at_work[0].passed(logits_output.hidden_states)
        return sample(self, logits_output, *args, **kwargs)

    @wraps(preprocess)
    def _preprocess_logits(self: Any, *args: Any, **kwargs: Any) -> Any:
        logits = preprocess(self, *args, **kwargs)
        return at_work[0].decide(logits) if at_work else logits

    _PATCHES.put(ServerArgs, "resolve_once", resolve_once)
    for wrapped in (__init__, run_batch, process_batch_result):
        _PATCHES.put(Scheduler, wrapped.__name__, wrapped)
    for wrapped in (forward, _preprocess_logits):
        _PATCHES.put(Sampler, wrapped.__name__, wrapped)


def _stop_the_start(error: Exception) -> None:
    """Let SGLang fail where it would not go on."""
    from sglang.srt.server_args import ServerArgs

    def resolve_once(self: Any) -> None:
        raise error

    _PATCHES.put(ServerArgs, "resolve_once", resolve_once)

"""Puts the controller into SGLang, in each of its processes."""

import logging
import os
from functools import wraps
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from probexit.exits.engines.server.environment import CONTROLLER

READ = "0.5.23"
"""The version whose source this was written against; what is used of it is no public interface."""
logger = logging.getLogger("sglang.probexit")


def register() -> None:
    """Put the controller that the environment names into SGLang; do nothing if it names none.

    SGLang goes on without a plugin that fails. Whatever is wrong here is therefore raised again
    where its options are resolved, which stops the start.
    """
    if not os.environ.get(CONTROLLER):
        return
    try:
        refuse_version(installed())
        _install()
    except Exception as error:
        _stop_the_start(error)
        raise


def installed() -> str:
    """Return SGLang's version."""
    try:
        return version("sglang")
    except PackageNotFoundError:
        return "not installed"


def refuse_version(found: str) -> None:
    """Refuse another version than the one that was read.

    Raises:
        ValueError: naming both.
    """
    if found != READ:
        raise ValueError(
            f"probexit was written for SGLang {READ}, and this is {found}: install that, or unset "
            f"{CONTROLLER}"
        )


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

    ServerArgs.resolve_once = resolve_once
    Scheduler.__init__, Scheduler.run_batch = __init__, run_batch
    Scheduler.process_batch_result = process_batch_result
    Sampler.forward, Sampler._preprocess_logits = forward, _preprocess_logits


def _stop_the_start(error: Exception) -> None:
    """Let SGLang fail where it would not go on."""
    from sglang.srt.server_args import ServerArgs

    def resolve_once(self: Any) -> None:
        raise error

    ServerArgs.resolve_once = resolve_once

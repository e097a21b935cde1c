"""Requests of our own in vLLM's engine core: the answers that audits need.

The process that samples asks for them with a pass's output, which reaches the engine core whether
both are one process or not. Their tokens are read where they are sampled; what vLLM sends to its
front for a request that no client made is dropped there.
"""

import time
from copy import copy
from functools import wraps
from typing import Any

from probexit.exits.engines.server.patches import Patches
from probexit.exits.engines.server.request_options import SWITCH
from probexit.exits.engines.vllm_plugin.audits import Ask

ASKED = "probexit_asked"
SALT = "cache_salt_of_audits"
"""Extra argument that keeps a request's cache salt, under which its audit reads the prefix."""
LAST = 2**31 - 1
"""Priority behind every user's request, where vLLM schedules by priority."""


def with_asks(output: Any, asks: list[Ask]) -> Any:
    """Return a pass's output with answers to ask for; vLLM shares one empty output."""
    if not asks:
        return output
    output = copy(output)
    setattr(output, ASKED, asks)
    return output


def patch_core(patches: Patches) -> None:
    """Let every engine core made from now on run the requests that a pass asks for."""
    from vllm.v1.core.sched.scheduler import Scheduler
    from vllm.v1.engine.core import EngineCore

    update, step = Scheduler.update_from_output, EngineCore.step
    preprocess = EngineCore.preprocess_add_request

    @wraps(update)
    def update_from_output(self: Any, scheduler_output: Any, model_runner_output: Any) -> Any:
        setattr(self, ASKED, getattr(model_runner_output, ASKED, []))
        return update(self, scheduler_output, model_runner_output)

    @wraps(step)
    def stepped(self: Any) -> Any:
        done = step(self)
        asks, self.scheduler.probexit_asked = getattr(self.scheduler, ASKED, []), []
        for ask in asks:
            self.add_request(*preprocess(self, request_of(ask)))
        return done

    @wraps(preprocess)
    def preprocess_add_request(self: Any, request: Any) -> Any:
        params = request.sampling_params
        if request.cache_salt and params is not None:
            params.extra_args = {**(params.extra_args or {}), SALT: request.cache_salt}
        return preprocess(self, request)

    patches.put(Scheduler, "update_from_output", update_from_output)
    patches.put(EngineCore, "step", stepped)
    patches.put(EngineCore, "preprocess_add_request", preprocess_add_request)


def patch_offline(patches: Patches) -> None:
    """Let an engine in the caller's own process end its audits before ``generate`` returns."""
    from vllm.v1.engine.core_client import InprocClient
    from vllm.v1.engine.llm_engine import LLMEngine

    before = LLMEngine.has_unfinished_requests

    @wraps(before)
    def has_unfinished_requests(self: Any) -> Any:
        if before(self):
            return True
        core = self.engine_core  # others run in a process of their own, and go on by themselves
        return isinstance(core, InprocClient) and core.engine_core.scheduler.has_requests()

    patches.put(LLMEngine, "has_unfinished_requests", has_unfinished_requests)


def request_of(ask: Ask) -> Any:
    """Return vLLM's request for an answer."""
    from vllm.v1.engine import EngineCoreRequest

    params = copy(ask.params)
    salt = (params.extra_args or {}).get(SALT)
    own = {"max_tokens": ask.tokens, "min_tokens": 1, "extra_args": {SWITCH: False}}
    for name, value in {**GREEDY, **own}.items():
        setattr(params, name, value)
    return EngineCoreRequest(
        request_id=ask.name,
        prompt_token_ids=ask.prompt_ids,
        mm_features=None,
        sampling_params=params,
        pooling_params=None,
        arrival_time=time.time(),
        lora_request=None,
        cache_salt=salt,
        data_parallel_rank=None,
        priority=LAST,
    )


# As behind a live exit: the likeliest token, whatever the request's own sampling. Nothing more is
# asked about tokens, as nobody reads it.
GREEDY: dict[str, Any] = {
    "n": 1,
    "temperature": 0.0,
    "top_p": 1.0,
    "top_k": 0,
    "min_p": 0.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
    "repetition_penalty": 1.0,
    "seed": None,
    "logprobs": None,
    "prompt_logprobs": None,
    "logprob_token_ids": None,
    "prompt_logprob_token_ids": None,
    "thinking_token_budget": None,
    "skip_reading_prefix_cache": False,
}

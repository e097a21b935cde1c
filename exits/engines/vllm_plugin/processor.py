"""The controller as a logits processor of vLLM's: it sees each pass before a token is chosen."""

from functools import cache
from typing import Any

import torch
from torch import Tensor
from vllm.v1.sample.logits_processor import LogitsProcessor

from probexit.exits.engines.server.request_options import RequestOptions
from probexit.exits.engines.server.settings import Settings


class ExitLogitsProcessor(LogitsProcessor):  # type: ignore[misc]  # vLLM is not installed here
    """Hands each pass to the requests' sessions and leaves one token to those that exit.

    It stands behind grammars, biases and forbidden words, so that nothing takes back an order.
    """

    def __init__(self, vllm_config: Any, device: torch.device, is_pin_memory: bool) -> None:
        """Stand in a model runner, which names itself in ``runner`` when it is made."""
        self.runner: Any = None

    @classmethod
    def validate_params(cls, sampling_params: Any) -> None:
        """Refuse a request whose arguments cannot be, before it is scheduled (HTTP 400)."""
        RequestOptions.read(sampling_params.extra_args, _settings().levels)

    def is_argmax_invariant(self) -> bool:
        """Say that greedy requests are changed too."""
        return False

    def update_state(self, batch_update: Any) -> None:
        """Need nothing: the runner knows which request stands in which row."""

    def apply(self, logits: Tensor) -> Tensor:
        """Take ``logits [n, V]`` of the batch's requests; return them with orders applied."""
        if self.runner is None:
            raise RuntimeError("no model runner named itself: is this vLLM's model runner V1?")
        changed: Tensor = self.runner.probexit.decide(logits)
        return changed


@cache
def _settings() -> Settings:
    return Settings.from_environment()

"""The token loop for one prompt, as a ``custom_generate`` of transformers' ``generate``.

``generate`` prepares settings, logits processors and stopping criteria; the loop obeys them.
"""

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor

from probexit.exits.depth.decoding.forward_passes import Passes
from probexit.exits.depth.decoding.ragged import Ragged
from probexit.exits.depth.decoding.text import Prompt, TextInProgress
from probexit.exits.depth.interception.attachment import RunningMode
from probexit.exits.depth.rule import ExitRule
from probexit.exits.depth.trace import DepthTrace
from probexit.hooks.forward import given_cache
from probexit.hooks.layers import n_layers


class Writer(ABC):
    """Writes the next tokens of a text.

    Attributes:
        trace: What happened so far.
    """

    def __init__(self) -> None:
        self.trace = DepthTrace()

    @abstractmethod
    def next(self, passes: Passes, text: TextInProgress) -> Tensor:
        """Return the next tokens ``[k]``, at least one."""


class SingleLoop:
    """Reads a prompt at full depth and lets a writer continue it."""

    def __init__(self, passes: Passes, writer: Writer) -> None:
        self.passes, self.writer = passes, writer

    def generate(
        self,
        model: Any,
        input_ids: Tensor,
        logits_processor: Any,
        stopping_criteria: Any,
        generation_config: Any,
        synced_gpus: bool = False,
        streamer: Any = None,
        **model_kwargs: Any,
    ) -> Any:
        """Stand in for transformers' ``_sample``; ``input_ids [1, t]``.

        Raises:
            ValueError: on more than one prompt, or outputs that it does not collect.
        """
        _refuse(input_ids, generation_config, model_kwargs)
        mask = model_kwargs.get("attention_mask")
        prompt = Prompt(input_ids, 0 if mask is None else int((mask[0] == 0).sum()))
        text = TextInProgress(prompt, logits_processor, stopping_criteria, generation_config)
        self._prompt(text, streamer)
        while not text.done:
            tokens = self.writer.next(self.passes, text)
            _stream(streamer, text.write(tokens))
        if streamer is not None:
            streamer.end()
        return text.ids

    def _prompt(self, text: TextInProgress, streamer: Any) -> None:
        self.passes.open()
        prompt = text.unread(0)
        logits = self.passes.run(prompt, keep=1)[-1]
        self.passes.settle(prompt.shape[1])
        _stream(streamer, text.write(text.draw(text.probabilities(logits))))


def decode_one(model: Any, rule: ExitRule, writer: Writer) -> RunningMode:
    """Let ``writer`` continue one prompt at a time, over ragged layers and a cache of their own."""
    ragged = Ragged(n_layers(model), rule.head)
    loop = SingleLoop(Passes(model, ragged), writer)
    return RunningMode(ragged, writer.trace, {"custom_generate": loop.generate})


def _stream(streamer: Any, tokens: Tensor) -> None:
    if streamer is not None:
        streamer.put(tokens.cpu())


def _refuse(input_ids: Tensor, settings: Any, model_kwargs: dict[str, Any]) -> None:
    if input_ids.shape[0] > 1:
        raise ValueError(
            f"{input_ids.shape[0]} prompts at once: this mode takes one at a time; "
            "the propagate policy works in batches"
        )
    if settings.return_dict_in_generate:
        raise ValueError("return_dict_in_generate: this mode returns token ids only")
    if settings.cache_implementation not in (None, "dynamic"):
        raise ValueError(
            f"cache_implementation={settings.cache_implementation!r}: tokens that wait or are "
            "rejected need a cache that can shrink; leave it out"
        )
    cache = given_cache(model_kwargs)
    if cache is not None and int(cache.get_seq_length()) > 0:
        raise ValueError("the given cache holds tokens: this mode keeps a cache of its own")
    if "inputs_embeds" in model_kwargs:
        raise ValueError("inputs_embeds: this mode reads token ids only")

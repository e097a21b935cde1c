"""Random models that write readable words, and controllers that read them."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
import transformers
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

from probexit.exits.controller import ExitController
from probexit.exits.policies.base import ExitPolicy
from probexit.exits.policies.threshold import Threshold
from probexit.exits.signals.probe import ProbeSignal
from probexit.hooks.cues.base import CueSet
from probexit.hooks.cues.every_k import EveryK
from probexit.hooks.think_tags import ThinkTags
from probexit.probes.random_direction import RandomDirection

SPECIAL = ["<pad>", "<s>", "<|end|>"]
TAGS = ["<think>", "</think>", "<tool_call>", "</tool_call>"]
ARCHITECTURES = ("llama", "qwen3", "gpt2", "gpt_neox", "gemma3", "mixtral", "gemma3_vision")
CLOSING = " so"


@pytest.fixture(scope="session")
def words() -> Any:
    """One word a token, 128 of them: the vocabulary of the tiny models."""
    known = [*SPECIAL, *TAGS, "\n\n", ".", " wait", " so", " Wait", "wait"]
    vocabulary = {word: i for i, word in enumerate(known)}
    vocabulary |= {f" w{i}": i for i in range(len(known), 128)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<pad>"))
    pattern = "|".join([*map(re.escape, SPECIAL + TAGS), r" ?\w+", r"\n\n", r"\."])
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(pattern), "isolated")
    tokenizer.decoder = decoders.Fuse()
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="<|end|>",
        padding_side="left",
    )


@pytest.fixture
def lively(tiny_model: Callable[..., Any]) -> Callable[..., Any]:
    """``lively(name)``: a tiny model whose weights are large enough to have opinions.

    A newly made model is nearly indifferent between tokens; there a batch's rounding decides.
    """

    def build(name: str) -> Any:
        mixed = {"layer_types": ["sliding_attention", "full_attention"] * 2}
        model = tiny_model(name, **(mixed if name == "gemma3" else {}))
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.ndim > 1:
                    parameter.mul_(12)
        return model

    return build


@pytest.fixture
def prompts() -> list[list[int]]:
    """Twenty prompts of 2 to 24 tokens; the template opened the thinking."""
    lengths = torch.randint(1, 24, (20,)).tolist()
    return [[*torch.randint(16, 128, (n,)).tolist(), 3] for n in lengths]


@pytest.fixture
def reading() -> Callable[..., ExitController]:
    """``reading(threshold)``: a controller that reads two layers with a random direction."""

    def make(
        threshold: float,
        *,
        layers: tuple[int, ...] = (1, 4),
        cues: CueSet | None = None,
        policy: ExitPolicy | None = None,
        **settings: Any,
    ) -> ExitController:
        width = 32 * len(layers)
        generator = torch.Generator().manual_seed(5)
        states = torch.randn(40, width, generator=generator)
        probe = RandomDirection().fit(states, torch.arange(40) % 2)
        settings = {"closing": CLOSING, "answer_tokens": 4, **settings}
        return ExitController(
            cues=cues or EveryK(3),
            signal=ProbeSignal(probe, layers, layers),
            policy=policy or Threshold(threshold),
            tags=ThinkTags(),
            **settings,
        )

    return make


@pytest.fixture
def left_padded() -> Callable[..., dict[str, torch.Tensor]]:
    """``left_padded(prompts)``: what ``model.generate`` takes."""

    def pad(prompts: list[list[int]]) -> dict[str, torch.Tensor]:
        width = max(map(len, prompts))
        ids = [[0] * (width - len(p)) + p for p in prompts]
        mask = [[0] * (width - len(p)) + [1] * len(p) for p in prompts]
        return {"input_ids": torch.tensor(ids), "attention_mask": torch.tensor(mask)}

    return pad


@pytest.fixture
def written() -> Callable[..., list[list[int]]]:
    """``written(output, width, end)``: what each row of ``generate`` wrote, up to its end."""

    def cut(output: torch.Tensor, width: int, end: set[int]) -> list[list[int]]:
        rows = []
        for row in output[:, width:].tolist():
            stop = next((i + 1 for i, token in enumerate(row) if token in end), len(row))
            rows.append(row[:stop])
        return rows

    return cut

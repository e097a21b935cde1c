"""Random models whose logits tell, and prompts for them."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor, nn

from probexit.exits.depth.deciders.base import Decider
from probexit.exits.depth.deciders.layer_view import LayerView

BASE = {
    "vocab_size": 97,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 6,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 256,
    "tie_word_embeddings": False,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
GPT2 = {"n_embd": 32, "n_layer": 6, "n_head": 4, "n_positions": 256, "n_inner": 48}
MIXED = ["sliding_attention", "full_attention"] * 3
ARCHITECTURES: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("LlamaConfig", BASE),
    "qwen3": ("Qwen3Config", BASE),
    "gpt2": ("GPT2Config", BASE | GPT2),
    "gpt_neox": ("GPTNeoXConfig", BASE),
    "opt": ("OPTConfig", BASE | {"ffn_dim": 48, "word_embed_proj_dim": 32}),
    "gemma3": ("Gemma3TextConfig", BASE | {"sliding_window": 6, "layer_types": MIXED}),
    "mistral": ("MistralConfig", BASE | {"sliding_window": 6}),
    "gpt_oss": (
        "GptOssConfig",
        BASE
        | {
            "sliding_window": 6,
            "layer_types": MIXED,
            "num_local_experts": 4,
            "num_experts_per_tok": 2,
        },
    ),
}


def build(name: str, seed: int = 0, **changes: Any) -> Any:
    kind, arguments = ARCHITECTURES[name]
    config = getattr(transformers, kind)(**(arguments | changes))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = transformers.AutoModelForCausalLM.from_config(config)
        for parameter in model.parameters():
            # Freshly initialised models say the same token for ever: a bug would not show.
            if parameter.ndim > 1:
                nn.init.normal_(parameter, std=1.5 * parameter.shape[-1] ** -0.5)
        nn.init.normal_(model.get_input_embeddings().weight)
        nn.init.normal_(model.get_output_embeddings().weight)
    model.generation_config.pad_token_id = 0
    return model.eval().requires_grad_(False)


@pytest.fixture
def deep_model() -> Callable[..., Any]:
    """``deep_model(name, seed, **configuration)``: 6 layers, untied, spread-out logits."""
    return build


@pytest.fixture(params=ARCHITECTURES)
def deep(request: pytest.FixtureRequest) -> Any:
    """Every architecture in turn."""
    return build(request.param)


class Coin(Decider):
    """Leaves at random, but the same row at the same step in any batch: keyed by its state.

    The state is rounded roughly, so that the numerics of another batch do not matter.
    """

    def __init__(self, chance: float = 0.5) -> None:
        self.chance = chance

    def score(self, look: LayerView) -> Tensor:
        keys = (look.before[:, :8] > 0).long() @ (2 ** torch.arange(8))
        return ((keys * 37 + look.layer * 11) % 101 / 101 < self.chance).float()


class Always(Decider):
    def score(self, look: LayerView) -> Tensor:
        return torch.ones(len(look.hidden))


@pytest.fixture
def coin() -> Coin:
    return Coin()


@pytest.fixture
def always() -> Always:
    return Always()


@pytest.fixture
def prompt() -> Tensor:
    return torch.randint(3, 97, (1, 9), generator=torch.Generator().manual_seed(5))


@pytest.fixture
def tokens() -> Tensor:
    """Tokens fed one by one after the prompt: past the sliding window of 6."""
    return torch.randint(3, 97, (1, 14), generator=torch.Generator().manual_seed(6))

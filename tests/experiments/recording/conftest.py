"""Random models with opinions, for forced exits that differ from cue to cue."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import transformers


@pytest.fixture
def lively(tiny_model: Callable[..., Any]) -> Callable[..., Any]:
    """``lively(name)``: a tiny model whose weights are large enough that no two tokens tie."""

    def build(name: str) -> Any:
        mixed = {"layer_types": ["sliding_attention", "full_attention"] * 2}
        model = tiny_model(name, **(mixed if name == "gemma3" else {}))
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.ndim > 1:
                    parameter.mul_(12)
        return model

    return build


BASE = {
    "vocab_size": 128,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 512,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
DELTA = {
    "linear_num_value_heads": 4,
    "linear_num_key_heads": 2,
    "linear_key_head_dim": 8,
    "linear_value_head_dim": 8,
    "num_experts": 4,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 16,
    "shared_expert_intermediate_size": 16,
    "layer_types": ["linear_attention", "linear_attention", "linear_attention", "full_attention"],
}
MAMBA = {
    "mamba_n_heads": 4,
    "mamba_d_head": 16,
    "mamba_n_groups": 1,
    "mamba_d_state": 8,
    "mamba_chunk_size": 8,
}
HYBRIDS: dict[str, dict[str, Any]] = {
    "qwen3_next": BASE | DELTA,
    "bamba": BASE | MAMBA | {"attn_layer_indices": [1, 3]},
    "falcon_h1": BASE | MAMBA | {"mamba_d_ssm": 64},
    "lfm2": BASE | {"layer_types": ["conv", "full_attention"] * 2},
    "mamba": {k: BASE[k] for k in ("vocab_size", "hidden_size", "num_hidden_layers")}
    | {"state_size": 8, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2},
    "gpt_neo": {
        "vocab_size": 128,
        "hidden_size": 32,
        "num_layers": 4,
        "num_heads": 4,
        "attention_types": [[["global", "local"], 2]],
        "window_size": 8,
    },
    "llama": BASE,
}


def _hybrid(name: str) -> Any:
    config = transformers.AutoConfig.for_model(name, **HYBRIDS[name])
    model = transformers.AutoModelForCausalLM.from_config(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(6)  # large enough to have opinions
    return model


@pytest.fixture
def hybrid() -> Callable[[str], Any]:
    """``hybrid(name)``: a tiny model whose layers keep more, or other, than keys and values."""
    return _hybrid

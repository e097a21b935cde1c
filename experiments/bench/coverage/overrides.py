"""Settings without which a type's tiny configuration is not valid."""

from typing import Any

OVERRIDES: dict[str, dict[str, Any]] = {
    "jamba": {
        "attn_layer_period": 2,
        "attn_layer_offset": 1,
        "expert_layer_period": 2,
        "num_experts": 2,
        "mamba_dt_rank": 4,
    },
    "bamba": {"attn_layer_indices": [1, 3]},
    "mamba2": {"num_heads": 4, "head_dim": 16, "expand": 2},
    "nemotron_h": {"layers_block_type": ["mamba", "attention", "mamba", "moe"]},
    "recurrent_gemma": {"block_types": ["recurrent", "recurrent", "attention"]},
    "zamba2": {
        "hybrid_layer_ids": [1, 3],
        "layers_block_type": ["mamba", "hybrid"] * 2,
        "num_mem_blocks": 1,
        "n_mamba_heads": 4,
        "mamba_headdim": 16,
        "mamba_ngroups": 1,
    },
    "gpt_neo": {"attention_types": [[["global", "local"], 2]]},
}

"""Settings without which a type's tiny configuration is not valid."""

from typing import Any

_ROPE = {
    kind: {"rope_type": "default", "rope_theta": 10_000.0}
    for kind in ("sliding_attention", "full_attention")
}

_INDEXER = {
    "indexer_n_heads": 2,
    "indexer_kv_heads": 1,
    "indexer_head_dim": 8,
    "indexer_budget": 16,
    "indexer_compress_ratio": 4,
}

OVERRIDES: dict[str, dict[str, Any]] = {
    "jamba": {
        "attn_layer_period": 2,
        "attn_layer_offset": 1,
        "expert_layer_period": 2,
        "num_experts": 2,
        "mamba_dt_rank": 4,
    },
    "bailing_hybrid": {"num_expert_group": 1, "linear_head_dim": 8, "linear_num_heads": 4},
    "bamba": {"attn_layer_indices": [1, 3]},
    "mamba2": {"num_heads": 4, "head_dim": 16, "expand": 2},
    "nemotron_h": {"layers_block_type": ["mamba", "attention", "mamba", "moe"]},
    "recurrent_gemma": {"block_types": ["recurrent", "recurrent", "attention"]},
    "zamba2": {
        "hybrid_layer_ids": [1, 3],
        "layers_block_type": ["mamba", "hybrid"] * 2,
        "num_mem_blocks": 1,
        "attention_hidden_size": 64,
        "attention_head_dim": 16,
        "n_mamba_heads": 4,
        "mamba_headdim": 16,
        "mamba_ngroups": 1,
    },
    "cohere_compass_text": {
        "layer_types": ["sliding_attention", "full_attention"] * 2,
        "rope_parameters": _ROPE,
    },
    "dory": {
        "layer_types": ["sliding_attention", "full_attention"] * 2,
        "n_input_layers": 1,
        "n_output_layers": 1,
        "n_recurrent_layers": 2,
        "num_key_value_heads": 4,
    },
    "gemma3n_text": {"num_kv_shared_layers": 0},
    "gemma3n": {"num_kv_shared_layers": 0},
    "granitemoehybrid": {"layer_types": ["linear_attention", "full_attention"] * 2},
    "inkling2_text": {"unpadded_vocab_size": 128},
    "inkling2_loop_text": {"unpadded_vocab_size": 128},
    "lfm2_moe": {"layer_types": ["conv", "full_attention"] * 2},
    "reformer": {
        "is_decoder": True,
        "axial_pos_embds_dim": [16, 16],
        "axial_pos_shape": [16, 32],
        "attn_layers": ["local"] * 4,
        "feed_forward_size": 48,
    },
    "xmod": {"default_language": "en_XX", "languages": ["en_XX"]},
    "zamba": {
        "layer_types": ["linear_attention", "hybrid"] * 2,
        "attention_head_dim": 16,
        "attention_hidden_size": 64,
    },
    "dbrx": {"attn_config": {"rope_theta": 10_000.0, "kv_n_heads": 2, "clip_qkv": 8.0}},
    "qwen4_exp_text": _INDEXER,
    "qwen4_exp": _INDEXER,
    "xlstm": {"hidden_size": 64, "embedding_dim": 64, "qk_dim_factor": 1.0},
    "zaya": {"num_experts_per_tok": 1},
    "gpt_neo": {"attention_types": [[["global", "local"], 2]]},
}

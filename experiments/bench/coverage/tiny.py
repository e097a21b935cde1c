"""A tiny random model of any causal-LM type of transformers, and a tokenizer for all of them."""

from typing import Any

import torch
import transformers
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

from probexit.hooks.models import Reasoner
from probexit.hooks.think_tags import ThinkTags

VOCABULARY = 128
LAYERS = 4
SPECIAL = ("<pad>", "<s>", "<|end|>", "<think>", "</think>", "<tool_call>", "</tool_call>")
TEMPLATE = "{% for message in messages %}{{ message.content }}{% endfor %}<think>"

# What a configuration may call its sizes; only the names that it has are set.
SIZES: dict[str, Any] = {
    **dict.fromkeys(("vocab_size", "n_vocab", "n_tokens"), VOCABULARY),
    **dict.fromkeys(("hidden_size", "n_embd", "d_model", "dim", "emb_dim", "embedding_size"), 32),
    **dict.fromkeys(("num_hidden_layers", "n_layer", "n_layers", "num_layers"), LAYERS),
    **dict.fromkeys(("num_attention_heads", "n_head", "n_heads", "num_heads"), 4),
    **dict.fromkeys(("decoder_layers", "num_decoder_layers"), LAYERS),
    **dict.fromkeys(("decoder_attention_heads", "num_decoder_attention_heads"), 4),
    **dict.fromkeys(("encoder_layers", "num_encoder_layers"), LAYERS),
    **dict.fromkeys(("encoder_attention_heads", "num_encoder_attention_heads"), 4),
    **dict.fromkeys(("decoder_ffn_dim", "encoder_ffn_dim", "ffn_dim", "n_inner", "dim_ff"), 48),
    **dict.fromkeys(("intermediate_size", "ffn_hidden_size", "feed_forward_proj_dim"), 48),
    **dict.fromkeys(("num_key_value_heads", "num_kv_heads", "n_head_kv"), 2),
    **dict.fromkeys(("max_position_embeddings", "n_positions", "max_seq_len", "n_ctx"), 512),
    **dict.fromkeys(("moe_intermediate_size", "shared_expert_intermediate_size"), 16),
    **dict.fromkeys(("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts"), 4),
    **dict.fromkeys(("num_experts_per_tok", "moe_topk", "num_experts_per_token", "moe_k"), 2),
    "head_dim": 8,
    "n_shared_experts": 1,
    "n_group": 1,
    "topk_group": 1,
    "sliding_window": 8,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "decoder_start_token_id": 1,
    **{"kv_lora_rank": 16, "q_lora_rank": 16, "qk_rope_head_dim": 8, "qk_nope_head_dim": 8},
    **{"v_head_dim": 8, "qk_head_dim": 16},
    **{"linear_num_value_heads": 4, "linear_num_key_heads": 2},
    **{"linear_key_head_dim": 8, "linear_value_head_dim": 8},
    **{"mamba_n_heads": 4, "mamba_d_head": 16, "mamba_n_groups": 1, "mamba_d_state": 8},
    **{"mamba_chunk_size": 8, "chunk_size": 8, "state_size": 8, "mamba_num_heads": 4},
    **{"mamba_head_dim": 16, "ssm_state_size": 8, "n_groups": 1, "mamba_d_ssm": 64},
    **{"lru_width": 32, "attention_window_size": 16, "block_size": 16, "window_size": 8},
    **{"index_n_heads": 2, "index_head_dim": 8, "index_topk": 8, "first_k_dense_replace": 1},
    **{"attention_hidden_size": 32, "rwkv_rescale_every": 0, "hidden_size_per_layer_input": 8},
    **{"vocab_size_per_layer_input": VOCABULARY, "rotary_dim": 8, "embed_dim": 32},
    **{"mtp_num_layers": 0, "num_nextn_predict_layers": 0, "num_mtp_layers": 0},
}


def tokenizer() -> Any:
    """Return a tokenizer of one word a token."""
    words = {word: i for i, word in enumerate(SPECIAL)}
    words |= {f" w{i}": i for i in range(len(words), VOCABULARY)}
    made = Tokenizer(models.WordLevel(words, unk_token=" w9"))
    pattern = r"<[^>]+>| ?\w+|\s|[^\w\s]"
    made.pre_tokenizer = pre_tokenizers.Split(Regex(pattern), "isolated")
    made.decoder = decoders.Fuse()
    wrapped = transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", bos_token="<s>", eos_token="<|end|>"
    )
    wrapped.chat_template = TEMPLATE
    return wrapped


def tiny_model(kind: str, changes: dict[str, Any], seed: int = 0) -> Any:
    """Build a tiny random causal LM of a model type, with weights that have opinions."""
    config = _config(kind, changes)
    torch.manual_seed(seed)
    model = transformers.AutoModelForCausalLM.from_config(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(4)
    model.generation_config.pad_token_id = 0
    model.generation_config.eos_token_id = 2
    return model


def _config(kind: str, changes: dict[str, Any]) -> Any:
    """Make a configuration; the text part of a multimodal one is the part that is made small."""
    plain = transformers.AutoConfig.for_model(kind)
    known = plain.to_dict()
    text = known.get("text_config")
    if isinstance(text, dict):
        small = {"model_type": text["model_type"], **_sizes(text), **changes}
        return transformers.AutoConfig.for_model(kind, text_config=small)
    small = _sizes(known)
    return transformers.AutoConfig.for_model(kind, **{**small, **changes})


def _sizes(known: dict[str, Any]) -> dict[str, Any]:
    """Choose the sizes that a configuration has; per-layer lists are cut to the layers."""
    sizes = {name: SIZES[name] for name in SIZES if name in known}
    if "kv_lora_rank" in known:  # latent attention has no grouped heads
        sizes["num_key_value_heads"] = 4
    if known.get("is_decoder") is False and "add_cross_attention" in known:
        sizes["is_decoder"] = True
    kinds = known.get("layer_types")
    if isinstance(kinds, list) and kinds:
        distinct = list(dict.fromkeys(kinds))
        sizes["layer_types"] = [*distinct, *kinds][:LAYERS][::-1] if len(distinct) > 1 else None
        if sizes["layer_types"] is None:
            sizes["layer_types"] = kinds[:1] * LAYERS
    return sizes


def reasoner(kind: str, changes: dict[str, Any], seed: int = 0) -> Reasoner:
    """Return a tiny random model of a type, ready to be checked."""
    return Reasoner(tiny_model(kind, changes, seed), tokenizer(), ThinkTags(), " w20 w21", kind, 4)

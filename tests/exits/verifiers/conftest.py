"""A random language model on disk, as a judge that has to be loaded."""

import pytest
import torch
import transformers


@pytest.fixture(scope="session")
def judge_folder(tmp_path_factory, byte_tokenizer):
    folder = tmp_path_factory.mktemp("judge")
    config = transformers.LlamaConfig(
        vocab_size=len(byte_tokenizer),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=2048,
        initializer_range=1.0,  # else it is nearly indifferent
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        transformers.AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    byte_tokenizer.save_pretrained(folder)
    return folder

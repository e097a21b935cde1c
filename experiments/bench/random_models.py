"""The shipped model's architecture in another size, with random weights: a pass costs the same."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace

import torch
from transformers import AutoModelForCausalLM

from probexit.hooks.models import Reasoner, Source, load

SIZES: Mapping[str, Mapping[str, int]] = {
    "random-107m": {
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "num_key_value_heads": 12,
        "head_dim": 64,
        "intermediate_size": 2848,
    },
}
"""By a name that stands for a model on the benchmarks' command line."""


def random_reasoner(name: str) -> Reasoner:
    """Make a model of one of ``SIZES``; it never ends its thinking or its text by itself."""
    shipped = load(Source())
    config = deepcopy(shipped.model.config)
    for field, value in SIZES[name].items():
        setattr(config, field, value)
    if getattr(config, "layer_types", None):
        config.layer_types = config.layer_types[:1] * config.num_hidden_layers
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config).eval()
    closing = shipped.tokenizer.encode(shipped.tags.close, add_special_tokens=False)
    with torch.no_grad():
        never = [*shipped.tokenizer.all_special_ids, *closing]
        model.get_output_embeddings().weight[never] = 0.0  # some other logit is above 0
    return replace(shipped, model=model, name=name)

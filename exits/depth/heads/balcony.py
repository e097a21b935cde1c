"""Balcony: one real decoder layer per exit, with keys and values of its own (2503.05005)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel
from transformers.cache_utils import Cache

from probexit.exits.depth.fitted import by_layer
from probexit.exits.depth.heads.base import Follow
from probexit.exits.depth.heads.trained import TrainedHead
from probexit.exits.depth.interception.layer_call import LayerCall
from probexit.exits.engines.row_layer import RowLayer
from probexit.hooks.forward import cache_name
from probexit.hooks.layers import decoder_layers

SUPPORTED = ("llama", "mistral", "qwen2", "qwen3")
"""Types whose layers know positions by rotation alone, so that one can stand anywhere."""


@dataclass
class Balcony(TrainedHead):
    """A whole decoder layer after each exit: attention over the text so far, and an MLP.

    Each begins as a copy of the model's last layer and is distilled to say what the last layer
    says; the model stays frozen and whole. Its keys and values are its own, and complete only if
    every token of a text passes through it: so one exit serves a whole text, as in the released
    code (@84faf4b), in the mode ``static``. Read through the model's own final norm, where the
    paper has a norm for each exit; trained for as long as a test can wait, not for 30,000 steps.

    Attributes:
        config: The model's configuration as JSON, from which the layers are made; "" until it is
            trained.
    """

    attends: ClassVar[bool] = True
    own_layers: ClassVar[int] = 1
    config: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._copied: dict[str, Tensor] = {}

    def adopt(self, model: Any) -> None:
        config = model.config.get_text_config(decoder=True)
        if config.model_type not in SUPPORTED:
            raise ValueError(
                f"Balcony cannot add a layer to a {config.model_type}: use one of "
                f"{', '.join(SUPPORTED)}, or the head block"
            )
        self.config = config.to_json_string(use_diff=False)
        self._copied = decoder_layers(model)[-1].state_dict()

    def module(self, width: int) -> nn.Module:
        body = _one_layer(self.config)
        if self._copied:
            body.layers[0].load_state_dict(self._copied)
        made: nn.Module = body
        return made

    def over_text(self, hidden: Tensor, layer: int, **options: Any) -> Tensor:
        options.setdefault("use_cache", False)
        out: Tensor = self.at(hidden, layer)(inputs_embeds=hidden, **options).last_hidden_state
        return out

    def translate(self, hidden: Tensor, layer: int) -> Tensor:
        """Translate states as if each were the first of its text; ``follow`` reads whole texts."""
        alone = hidden.reshape(-1, 1, hidden.shape[-1])
        return self.over_text(alone, layer).reshape(hidden.shape)

    def follow(self) -> Follow:
        caches: dict[int, Cache] = {}

        def read(call: LayerCall, hidden: Tensor) -> Tensor:
            cache = caches.setdefault(call.index, Cache(layer_class_to_replicate=RowLayer))
            options = {
                cache_name(self.at(hidden, call.index)): cache,
                "attention_mask": call.argument("attention_mask"),
                "position_ids": call.argument("position_ids"),
            }
            return self.over_text(hidden, call.index, use_cache=True, **options)

        return read

    def restore(self, state: dict[str, Tensor]) -> None:
        self.modules_ = {}
        for layer, own in by_layer(state).items():
            body = _one_layer(self.config)
            body.load_state_dict(own, assign=True)
            self.modules_[layer] = body.eval().requires_grad_(False)


def _one_layer(config: str) -> Any:
    """Return the model's body with one layer, of the kind of its last, and neither words nor norm.

    Raises:
        ValueError: if the configuration is none, or of a type that is not supported.
    """
    known = json.loads(config) if config else {}
    if known.get("model_type") not in SUPPORTED:
        raise ValueError("Balcony has no model yet: train it first (`probexit depth fit`)")
    kinds: Sequence[str] = known.get("layer_types") or ()
    changes: dict[str, Any] = {"num_hidden_layers": 1, "vocab_size": 1, "pad_token_id": None}
    changes |= {"layer_types": [kinds[-1]]} if kinds else {}
    made = AutoConfig.for_model(**{**known, **changes})
    body = AutoModel.from_config(made, dtype=torch.float32)
    body.norm, body.embed_tokens = nn.Identity(), nn.Identity()
    return body

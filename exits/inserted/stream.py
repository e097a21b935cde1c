"""Otter's inserted parameters: a second, narrow stream beside the hidden states (2408.10764)."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb

from probexit.exits.engines.cache import RowCache
from probexit.exits.inserted.activations import Activations
from probexit.hooks.heads import head_shape
from probexit.hooks.layers import decoder_layers, final_norm

Rotation = tuple[Tensor, Tensor]


class InsertedLinear(nn.Module):
    """New rows of a linear map: ``W' = [[W, 0], [A_1, A_2]]`` gives them ``A_1 x + A_2 e``.

    The block of zeros is why the model never sees ``e``: its own rows are computed as ever. The new
    rows begin as copies of some of the model's, which do not read ``e``.

    Args:
        copied: ``[n, d]`` rows of the model's weight.
        extra: Width of what is read of the stream.
    """

    def __init__(self, copied: Tensor, extra: int) -> None:
        super().__init__()
        self.from_model = nn.Parameter(copied.detach().clone().float())
        self.from_stream = nn.Parameter(torch.zeros(len(copied), extra))

    def forward(self, x: Tensor, e: Tensor) -> Tensor:
        """Return the new rows' outputs ``[..., n]`` of ``x [..., d]`` and ``e [..., extra]``."""
        return functional.linear(x, self.from_model) + functional.linear(e, self.from_stream)


class InsertedLayer(nn.Module):
    """One layer's inserted parameters.

    Args:
        layer: The model's decoder layer.
        width: Width of the stream.
        heads: Inserted attention heads.
        size: Width of a head.
    """

    def __init__(self, layer: Any, width: int, heads: int, size: int) -> None:
        super().__init__()
        own, mlp = layer.self_attn, layer.mlp
        self.heads, self.size, self.eps = heads, size, layer.input_layernorm.variance_epsilon
        inner = max(1, mlp.down_proj.weight.shape[1] * width // mlp.down_proj.weight.shape[0])
        some, group = heads * size, own.num_key_value_groups
        read = torch.cat([torch.arange(size) + (j // group) * size for j in range(heads)])
        self.query = InsertedLinear(own.q_proj.weight[:some], width)
        self.key = InsertedLinear(own.k_proj.weight[read], width)
        self.value = InsertedLinear(own.v_proj.weight[read], width)
        self.out = InsertedLinear(own.o_proj.weight[:width], some)
        self.gate = InsertedLinear(mlp.gate_proj.weight[:inner], width)
        self.up = InsertedLinear(mlp.up_proj.weight[:inner], width)
        self.down = InsertedLinear(mlp.down_proj.weight[:width], inner)
        self.before = nn.Parameter(layer.input_layernorm.weight[:width].detach().clone().float())
        self.middle = nn.Parameter(
            layer.post_attention_layernorm.weight[:width].detach().clone().float()
        )
        self.act = mlp.act_fn

    def forward(
        self, e: Tensor, seen: dict[str, Tensor], rotation: Rotation, cache: RowCache, index: int
    ) -> Tensor:
        """Move the stream ``e [b, q, d_e]`` through the layer that the model has just run."""
        read = scaled(e, seen["before"], self.before, self.eps)
        made = (part(seen["attention"], read) for part in (self.query, self.key, self.value))
        query, key, value = (self._split(part) for part in made)
        query, key = apply_rotary_pos_emb(query, key, *rotation)
        keys, values = cache.update(key, value, index)
        mixed = _attended(query, keys, values).transpose(1, 2).flatten(2)
        e = e + self.out(seen["heads"], mixed)
        read = scaled(e, seen["middle"], self.middle, self.eps)
        inner = self.act(self.gate(seen["gate"], read)) * self.up(seen["gate"], read)
        moved: Tensor = e + self.down(seen["inner"], inner)
        return moved

    def _split(self, x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:2], self.heads, self.size).transpose(1, 2)


class RewardStream(nn.Module):
    """The inserted stream of a whole model, and a head on it that reads a reward at each token.

    All of it begins as a copy of parts of the model, so that at first the stream is the first
    ``width`` entries of the hidden state; the reward begins at 0. The model stays as it is. The
    stream's width and the losses are not given in what could be read of the paper.

    Args:
        model: A causal language model of a supported type.
        heads: Inserted attention heads; the stream is as wide as they are together.
    """

    def __init__(self, model: Any, heads: int = 1) -> None:
        super().__init__()
        Activations(model)  # refuses what is not supported
        _, size = head_shape(model)
        width = heads * size
        words = model.get_input_embeddings().weight[:, :width].detach().clone().float()
        self.words = nn.Embedding(len(words), width, _weight=words)
        made = (InsertedLayer(layer, width, heads, size) for layer in decoder_layers(model))
        self.layers = nn.ModuleList(made)
        norm: Any = final_norm(model)
        self.norm = nn.Parameter(norm.weight[:width].detach().clone().float())
        self.eps = float(norm.variance_epsilon)
        self.head = nn.Linear(width, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(
        self, ids: Tensor, seen: Activations, rotation: Rotation, cache: RowCache
    ) -> Tensor:
        """Return the reward at each token of the pass that ``seen`` has kept.

        Args:
            ids: ``[b, q]`` tokens of the pass.
            seen: What went into the model's parts.
            rotation: The model's cosines and sines of their positions.
            cache: What the inserted heads have of earlier passes; grows by ``q``.

        Returns:
            ``[b, q]``.
        """
        e = self.stream(ids, seen, rotation, cache)
        reward: Tensor = self.head(scaled(e, seen.last, self.norm, self.eps))[..., 0]
        return reward

    def stream(self, ids: Tensor, seen: Activations, rotation: Rotation, cache: RowCache) -> Tensor:
        """Return the stream behind the last layer, ``[b, q, d_e]``; arguments of ``forward``."""
        e: Tensor = self.words(ids)
        for index, (layer, parts) in enumerate(zip(self.layers, seen.layers, strict=True)):
            e = layer(e, parts, rotation, cache, index)
        return e


def scaled(e: Tensor, h: Tensor, weight: Tensor, eps: float) -> Tensor:
    """Return ``e / rms(h) * weight``: statistics of the model's part ``h [..., d]`` alone."""
    rms = (h.float().pow(2).mean(-1, keepdim=True) + eps).rsqrt()
    return e * rms * weight


def _attended(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Attend causally; the queries are the newest of the keys."""
    new, held = query.shape[2], keys.shape[2]
    visible = torch.ones(new, held, dtype=torch.bool, device=query.device).tril(held - new)
    return functional.scaled_dot_product_attention(query, keys, values, attn_mask=visible)

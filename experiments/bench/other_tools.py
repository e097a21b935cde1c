"""Other tools that read hidden states, each as its documentation shows it, for the benchmarks."""

import sys
from collections.abc import Callable
from copy import deepcopy
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from probexit.experiments.bench.undercurrent_model import probed
from probexit.hooks.layers import n_layers
from probexit.hooks.models import Reasoner

Places = tuple[Tensor, Tensor]
"""Rows and positions of what is read, ``[n]`` each."""
Read = Callable[[Any, Tensor, Places], Tensor]
"""From a model, ids ``[rows, tokens]`` and places to all layers' outputs, ``[n, layers, d]``."""


def installed(reasoner: Reasoner) -> dict[str, Read]:
    """Return the tools that are installed here, by name; the others are named on stderr."""
    tools: dict[str, Callable[[Reasoner], Read]] = {
        "nnsight": _nnsight,
        "transformer_lens": _transformer_lens,
        "undercurrent": _undercurrent,
    }
    for name in tools:
        if find_spec(name) is None:
            print(f"  {name} is not installed here: left out", file=sys.stderr)
    return {name: make(reasoner) for name, make in tools.items() if find_spec(name) is not None}


def _nnsight(reasoner: Reasoner) -> Read:
    from nnsight import NNsight

    def read(model: Any, ids: Tensor, places: Places) -> Tensor:
        saved = []
        wrapped = NNsight(model)
        with wrapped.trace(input_ids=ids, logits_to_keep=1):
            for layer in wrapped.model.layers:
                output = layer.output
                saved.append((output[0] if isinstance(output, tuple) else output)[places].save())
        return torch.stack([getattr(s, "value", s) for s in saved], 1)

    return read


def _transformer_lens(reasoner: Reasoner) -> Read:
    """Build its bridge over a copy: it changes the modules that it wraps."""
    from transformer_lens.model_bridge import TransformerBridge

    bridge = TransformerBridge.boot_transformers(
        reasoner.name, hf_model=deepcopy(reasoner.model), tokenizer=reasoner.tokenizer
    )
    names = [f"blocks.{layer}.hook_out" for layer in range(n_layers(reasoner.model))]

    def read(model: Any, ids: Tensor, places: Places) -> Tensor:
        _, cache = bridge.run_with_cache(ids.to(model.device), names_filter=names)
        return torch.stack([cache[name][places] for name in names], 1)

    return read


def _undercurrent(reasoner: Reasoner) -> Read:
    """One text after the other, a token of each generated: it reads only while it generates."""
    from undercurrent.core import probe

    kept: list[Tensor] = []
    keep = probe("keep")(lambda record: kept.append(record.tensor))
    layers = list(range(n_layers(reasoner.model)))

    def read(model: Any, ids: Tensor, places: Places) -> Tensor:
        kept.clear()
        width = len(places[1]) // len(ids)  # places lie row by row, as many in each
        for row, at in zip(ids, places[1].view(-1, width), strict=True):
            points = [{"position": f"prompt[{place}]", "layers": layers} for place in at.tolist()]
            with probed(reasoner, points, keep) as generate:
                generate(row.tolist(), 1)
        by_layer = torch.stack(kept).view(len(ids), len(layers), width, -1)
        return by_layer.transpose(1, 2).flatten(0, 1)

    return read

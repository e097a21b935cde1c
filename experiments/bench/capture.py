"""Reading states at cues of a prefill: our capture against a bare hook and other tools."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from probexit.experiments.bench.base import Benchmark, Measurement, spread
from probexit.experiments.bench.cpu_time import cpu_seconds
from probexit.experiments.bench.other_tools import Places, installed
from probexit.hooks.capture import Capture
from probexit.hooks.layers import hidden_of, module_at, n_layers
from probexit.hooks.models import Reasoner


@dataclass(frozen=True)
class AtCues(Benchmark):
    """All ways read every layer's output at the same places, and must read the same.

    Other tools are tried where they are installed (``make bench-peers``); where not, that is said.

    Attributes:
        batch: Rows.
        tokens: Length of each.
        cues: Places in each, evenly spread.
        rounds: Repetitions.
    """

    batch: int = 4
    tokens: int = 500
    cues: int = 10
    rounds: int = 7

    def measure(self, reasoner: Reasoner) -> Iterator[Measurement]:
        model = reasoner.model
        generator = torch.Generator().manual_seed(0)
        ids = torch.randint(
            10, len(reasoner.tokenizer), (self.batch, self.tokens), generator=generator
        )
        at = torch.arange(1, self.cues + 1) * self.tokens // self.cues - 1
        places = (torch.arange(self.batch).repeat_interleave(self.cues), at.repeat(self.batch))
        expected = _bare_hooks(model, ids, places)
        ways = {"ours": _ours, "output_hidden_states": _all_states, **installed(reasoner)}
        for name, read in ways.items():
            with torch.inference_mode():
                same = torch.allclose(read(model, ids, places), expected, atol=1e-4)
                ratios = [
                    self._ratio(
                        partial(read, model, ids, places), partial(_bare_hooks, model, ids, places)
                    )
                    for _ in range(self.rounds)
                ]
            yield Measurement(
                name,
                spread(ratios),
                "CPU seconds over those of bare hooks",
                self.rounds,
                {"same_states": same, "batch": self.batch, "tokens": self.tokens},
            )

    @staticmethod
    def _ratio(way: Callable[[], Tensor], bare: Callable[[], Tensor]) -> float:
        return cpu_seconds(way) / cpu_seconds(bare)


@torch.inference_mode()
def _bare_hooks(model: Any, ids: Tensor, places: Places) -> Tensor:
    kept: list[Tensor] = []
    handles = [
        module_at(model, layer).register_forward_hook(
            lambda _m, _args, output: kept.append(hidden_of(output)[places])
        )
        for layer in range(n_layers(model))
    ]
    try:
        model(input_ids=ids.to(model.device), logits_to_keep=1)
    finally:
        for handle in handles:
            handle.remove()
    return torch.stack(kept, 1)


def _ours(model: Any, ids: Tensor, places: Places) -> Tensor:
    with Capture(model, range(n_layers(model)), places) as capture:
        model(input_ids=ids.to(model.device), logits_to_keep=1)
        return capture.chosen()


def _all_states(model: Any, ids: Tensor, places: Places) -> Tensor:
    """The last one of transformers' tuple stands behind the norm: its layer is left to a hook."""
    last: list[Tensor] = []
    top = module_at(model, n_layers(model) - 1)
    with_last = top.register_forward_hook(lambda _m, _a, out: last.append(hidden_of(out)[places]))
    try:
        states = model(
            input_ids=ids.to(model.device), logits_to_keep=1, output_hidden_states=True
        ).hidden_states
    finally:
        with_last.remove()
    return torch.stack([*(state[places] for state in states[1:-1]), last[0]], 1)

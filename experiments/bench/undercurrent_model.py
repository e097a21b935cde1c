"""A model under Undercurrent 0.1 (PyPI), whose inline probes stand beside ours."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from transformers import BatchEncoding

from probexit.exits.controller import ExitController
from probexit.exits.signals.probe import ProbeSignal
from probexit.experiments.bench.metered_engines import MeteredEngine
from probexit.hooks.cues.every_k import EveryK
from probexit.hooks.models import Reasoner

Point = dict[str, Any]
"""Where it reads, in the words of its specification (position, layers from 0, stride)."""


class MeteredUndercurrent(MeteredEngine):
    """Its inline probe, the controller's own, on the last layer that the controller reads.

    What it adds around the model's own forward pass is not metered, in its favour.
    """

    title = "Undercurrent"

    def __init__(self) -> None:
        """Name what is metered.

        Raises:
            ModuleNotFoundError: where it is not installed.
        """
        from undercurrent.adapters.hf import HFEngineAdapter
        from undercurrent.adapters.hf.stopping_criteria import ProbingStoppingCriteria

        self.methods = ((ProbingStoppingCriteria, "__call__"),)
        self.hooks = ((HFEngineAdapter, "_make_forward_hook"),)

    def write(
        self, reasoner: Reasoner, controller: ExitController, prompts: list[list[int]], tokens: int
    ) -> None:
        from undercurrent.core import probe

        signal, cues = controller.signal, controller.cues
        if not (isinstance(signal, ProbeSignal) and isinstance(cues, EveryK)):
            raise ValueError(f"give a controller that probes every k tokens, not {controller}")

        def score(record: Any) -> float:
            return float(signal.probe.score(record.tensor))

        at = {"position": "generated[*]", "layers": [signal.layers[-1] - 1], "stride": cues.k}
        with probed(reasoner, [at], probe("score")(score)) as generate:
            for prompt in prompts:
                generate(prompt, tokens)


@contextmanager
def probed(
    reasoner: Reasoner, points: Sequence[Point], inline: type[Any]
) -> Iterator[Callable[[list[int], int], str]]:
    """Attach a probe at the outputs of layers; yield a greedy ``generate(ids, tokens)``.

    Args:
        reasoner: The model.
        points: Where the probe reads.
        inline: The probe, made by its ``@probe``.
    """
    from undercurrent.model import ProbedModel

    points = [{"name": f"point {i}", **_READ, **point} for i, point in enumerate(points)]
    model = ProbedModel.from_pretrained(
        reasoner.model,
        spec={"version": "1", "extraction_points": points},
        probes={"inline": inline},
        tokenizer=_Ids(),
    )
    greedy = {"temperature": 0, "eos_token_id": sorted(reasoner.eos)}
    with model:
        yield lambda ids, tokens: str(
            model.generate(" ".join(map(str, ids)), max_new_tokens=tokens, **greedy).text
        )


_READ = {
    "tensor_type": "residual_stream",
    "probe_type": "inline",
    "probe_kind": "single_shot",
    "execution_mode": "inline",
}


class _Ids:
    """A tokenizer of texts that are token ids already: both tools are to read the same ones."""

    pad_token_id = 0
    eos_token_id = None

    def __call__(self, prompt: str, return_tensors: str) -> BatchEncoding:
        ids = torch.tensor([[int(word) for word in prompt.split()]])
        return BatchEncoding({"input_ids": ids, "attention_mask": torch.ones_like(ids)})

    def decode(self, ids: Sequence[int], skip_special_tokens: bool) -> str:
        return " ".join(str(int(token)) for token in ids)

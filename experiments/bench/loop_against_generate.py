"""The own loop against ``model.generate``, no controller in either: what its bookkeeping costs."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.loop import Loop
from probexit.experiments.bench.base import Benchmark, Measurement, spread
from probexit.experiments.recording.tasks.arith import Arith
from probexit.hooks.models import Reasoner
from probexit.hooks.padding import padded

SETTINGS: dict[str, tuple[float, float]] = {  # temperature, top_p
    "greedy": (0.0, 1.0),
    "sampled": (1.0, 1.0),
    "sampled, nucleus .95": (0.6, 0.95),
}


@dataclass(frozen=True)
class LoopAgainstGenerate(Benchmark):
    """As many tokens from the same prompts by both, in turn; no row ends before the others.

    Attributes:
        batch: Rows.
        tokens: Tokens that every row writes.
        rounds: Repetitions.
    """

    batch: int = 8
    tokens: int = 120
    rounds: int = 5

    def measure(self, reasoner: Reasoner) -> Iterator[Measurement]:
        items = islice(Arith(seed=6).items(), self.batch)
        prompts = [reasoner.prompt(item.question) for item in items]
        for name, (temperature, top_p) in SETTINGS.items():
            decoding = Decoding(self.tokens, temperature, top_p, self.batch)
            loop = Loop(reasoner.model, reasoner.tokenizer, None, decoding)
            loop.eos = set()  # all rows run to the limit
            theirs = _generating(reasoner, prompts, decoding)
            loop.run(prompts)  # the first run of anything is slower
            ratios = []
            for _ in range(self.rounds):
                begin = time.process_time()
                loop.run(prompts)
                between = time.process_time()
                reasoner.model.generate(**theirs)
                ratios.append((between - begin) / (time.process_time() - between))
            yield Measurement(
                f"{name}, batch {self.batch}",
                spread(ratios),
                "CPU time of the own loop over generate's",
                self.rounds,
                {"tokens": self.tokens},
            )


def _generating(reasoner: Reasoner, prompts: list[list[int]], decoding: Decoding) -> dict[str, Any]:
    ids, mask = padded(prompts, "left")
    sampling = {"temperature": decoding.temperature, "top_p": decoding.top_p, "top_k": 0}
    return {
        "input_ids": ids.to(reasoner.model.device),
        "attention_mask": mask.to(reasoner.model.device),
        "max_new_tokens": decoding.max_new_tokens,
        "eos_token_id": len(reasoner.tokenizer),  # no token: all rows run to the limit
        "pad_token_id": 0,
        "do_sample": decoding.temperature > 0,
        **(sampling if decoding.temperature > 0 else {}),
    }

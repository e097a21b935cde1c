"""Do saved tokens become saved time under continuous batching, and are they the loop's tokens?"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from transformers import GenerationConfig
from transformers.generation.configuration_utils import ContinuousBatchingConfig

from probexit.exits.controller import ExitController
from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.generate import attach
from probexit.exits.engines.loop import generate
from probexit.experiments.bench.base import Benchmark, Measurement, spread
from probexit.experiments.bench.controllers import controller_for
from probexit.experiments.recording.tasks.arith import Arith
from probexit.hooks.models import Reasoner

FIELDS = ContinuousBatchingConfig.__dataclass_fields__
PAGE = "page_size" if "page_size" in FIELDS else "block_size"  # its name before 5.24
SIZE = {"num_blocks": 1024, "max_batch_tokens": 512, PAGE: 16}


@dataclass(frozen=True)
class Continuous(Benchmark):
    """Requests at once with and without a controller that is fitted here, in turn; greedy.

    Attributes:
        requests: Requests at once.
        train: Problems to fit and certify on.
        rounds: Repetitions.
    """

    requests: int = 64
    train: int = 384
    rounds: int = 3

    def measure(self, reasoner: Reasoner) -> Iterator[Measurement]:
        greedy = Decoding(seed=5)
        controller = controller_for(reasoner, greedy, self.train)
        items = islice(Arith(seed=6).items(), self.requests)
        prompts = [reasoner.prompt(item.question) for item in items]
        _run(reasoner, prompts[:8], None)
        rounds = [
            (_run(reasoner, prompts, controller), _run(reasoner, prompts, None))
            for _ in range(self.rounds)
        ]
        (short, _), (long, _) = rounds[0]
        tokens = sum(map(len, short)) / sum(map(len, long))
        loop = generate(reasoner.model, reasoner.tokenizer, prompts, controller, greedy)
        ratio = spread([fast / slow for (_, fast), (_, slow) in rounds])
        same = sum(a == b.token_ids for a, b in zip(short, loop, strict=True))
        yield Measurement(
            f"continuous batching, {self.requests} requests",
            ratio,
            "seconds with the controller over without",
            self.rounds,
            {
                "token_ratio": tokens,
                "time_saved_over_tokens_saved": (1 - ratio.estimate) / (1 - tokens)
                if tokens < 1
                else None,
                "same_tokens_as_the_own_loop": same,
            },
        )


def _run(
    reasoner: Reasoner, prompts: list[list[int]], controller: ExitController | None
) -> tuple[list[list[int]], float]:
    """Write everything; return the tokens and the seconds that it took."""
    if controller is not None:
        with attach(reasoner.model, reasoner.tokenizer, controller):
            return _run(reasoner, prompts, None)
    config = GenerationConfig(
        max_new_tokens=640, do_sample=False, eos_token_id=sorted(reasoner.eos), pad_token_id=0
    )
    begin = time.perf_counter()
    done = reasoner.model.generate_batch(
        prompts,
        generation_config=config,
        continuous_batching_config=ContinuousBatchingConfig(**SIZE),
    )
    return [out.generated_tokens for out in done.values()], time.perf_counter() - begin

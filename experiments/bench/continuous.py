"""Do saved tokens become saved time under continuous batching, and are they the loop's tokens?"""

import time
from itertools import islice
from typing import Any

from transformers import GenerationConfig
from transformers.generation.configuration_utils import ContinuousBatchingConfig

from probexit.exits.controller import ExitController
from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.generate import attach
from probexit.exits.engines.loop import generate
from probexit.experiments.bench.saved_time import controller_for
from probexit.experiments.recording.tasks.arith import Arith
from probexit.hooks.models import Reasoner

PROBLEMS, ROUNDS = 64, 3
FIELDS = ContinuousBatchingConfig.__dataclass_fields__
PAGE = "page_size" if "page_size" in FIELDS else "block_size"  # its name before 5.24
SIZE = {"num_blocks": 1024, "max_batch_tokens": 512, PAGE: 16}


def bench_continuous(reasoner: Reasoner) -> dict[str, Any]:
    """Time 64 requests at once with and without a controller that is fitted here, in turn."""
    greedy = Decoding(seed=5)
    controller = controller_for(reasoner, greedy)
    prompts = [reasoner.prompt(item.question) for item in islice(Arith(seed=6).items(), PROBLEMS)]
    _run(reasoner, prompts[:8], None)
    rounds = [
        (_run(reasoner, prompts, controller), _run(reasoner, prompts, None)) for _ in range(ROUNDS)
    ]
    (short, _), (long, _) = rounds[0]
    tokens = sum(map(len, short)) / sum(map(len, long))
    ratios = sorted(fast / slow for (_, fast), (_, slow) in rounds)
    loop = generate(reasoner.model, reasoner.tokenizer, prompts, controller, greedy)
    saved = 1 - ratios[len(ratios) // 2]
    return {
        "requests": PROBLEMS,
        "token_ratio": tokens,
        "time_ratio_median": ratios[len(ratios) // 2],
        "time_ratio_min": ratios[0],
        "time_ratio_max": ratios[-1],
        "time_saved_over_tokens_saved": saved / (1 - tokens),
        "same_tokens_as_the_own_loop": sum(
            one == row.token_ids for one, row in zip(short, loop, strict=True)
        ),
    }


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

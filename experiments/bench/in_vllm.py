"""Do saved tokens become saved time inside vLLM, and are they the own loop's tokens?

Run by ``make bench-vllm``, in an environment that has vLLM.
"""

import argparse
import json
import os
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

from probexit.exits.controller import ExitController
from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.loop import generate
from probexit.exits.engines.server.environment import CONTROLLER
from probexit.experiments.bench.controllers import controller_for
from probexit.experiments.recording.tasks.arith import Arith
from probexit.hooks.models import Reasoner, Source, load, place

PROBLEMS, AT_ONCE, ROUNDS, LONGEST = 256, 64, 3, 1200


def bench_in_vllm(reasoner: Reasoner, folder: Path, eager: bool) -> dict[str, Any]:
    """Time requests with the controller in ``folder`` and without, in turn, in one engine."""
    os.environ[CONTROLLER] = str(folder)
    os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
    from vllm import LLM

    engine = LLM(
        place("shipped"),
        dtype="float32",
        enforce_eager=eager,
        max_model_len=LONGEST,
        max_num_seqs=AT_ONCE,
        enable_prefix_caching=False,
    )
    prompts = [reasoner.prompt(item.question) for item in islice(Arith(seed=6).items(), PROBLEMS)]
    _timed(engine, prompts, "on")
    rounds = [
        (_timed(engine, prompts, "on"), _timed(engine, prompts, "off")) for _ in range(ROUNDS)
    ]
    (short, _), (long, _) = rounds[0]
    tokens = sum(map(len, short)) / sum(map(len, long))
    ratios = sorted(fast / slow for (_, fast), (_, slow) in rounds)
    controller = ExitController.load(folder)
    loop = generate(reasoner.model, reasoner.tokenizer, prompts, controller, Decoding(batch_size=8))
    return {
        "requests": PROBLEMS,
        "at_once": AT_ONCE,
        "compiled": not eager,
        "token_ratio": tokens,
        "time_ratios": ratios,
        "time_saved_over_tokens_saved": [(1 - ratio) / (1 - tokens) for ratio in ratios],
        "same_tokens_as_the_own_loop": sum(
            one == row.token_ids for one, row in zip(short, loop, strict=True)
        ),
    }


def _timed(engine: Any, prompts: list[list[int]], switch: str) -> tuple[list[list[int]], float]:
    """Write everything; return the tokens and the seconds that it took."""
    from vllm import SamplingParams

    params = SamplingParams(temperature=0, max_tokens=640, extra_args={"probexit": switch})
    begin = time.perf_counter()
    done = engine.generate([{"prompt_token_ids": p} for p in prompts], params, use_tqdm=False)
    taken = time.perf_counter() - begin
    return [list(out.outputs[0].token_ids) for out in done], taken


def main() -> None:
    """Fit a controller, measure, print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--eager", action="store_true", help="without torch.compile")
    args = parser.parse_args()
    reasoner = load(Source())
    with tempfile.TemporaryDirectory() as folder:
        controller_for(reasoner, Decoding(seed=5)).save(Path(folder))
        print(json.dumps(bench_in_vllm(reasoner, Path(folder), args.eager)))


if __name__ == "__main__":
    main()

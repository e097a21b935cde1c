"""A vLLM engine over the shipped reasoner, with two controllers; skipped without vLLM."""

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch

from probexit.exits.controller import ExitController
from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.loop import generate
from probexit.exits.fingerprint import Fingerprint
from probexit.exits.policies.threshold import Threshold
from probexit.exits.signals.probe import ProbeSignal
from probexit.experiments.recording.tasks.by_name import task
from probexit.hooks.cues.hesitation import Hesitation
from probexit.hooks.models import Reasoner, Source, load, place
from probexit.probes.logistic import Logistic

N, NEW, LONGEST = 16, 400, 600
LEVELS = {0.1: 0.5, 0.3: 0.35}


@pytest.fixture(scope="session")
def reasoner() -> Reasoner:
    return load(Source())


@pytest.fixture(scope="session")
def prompts(reasoner: Reasoner) -> list[list[int]]:
    items = iter(task("arith", None, 7).items())
    return [reasoner.prompt(next(items).question) for _ in range(N)]


@pytest.fixture(scope="session")
def controllers(reasoner: Reasoner, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two levels of one probe that reads a layer and the final norm, as if they were certified."""
    folders = []
    for alpha, threshold in LEVELS.items():
        made = _controller(reasoner, threshold)
        promise = {"alpha": alpha, "threshold": threshold, "statement": "for tests", "delta": 0.1}
        promise |= {"losses": 0.0, "calibrator": "LearnThenTest", "saved": 0.5}
        folder = tmp_path_factory.mktemp("controller")
        replace(made, certificate=promise).save(folder)
        folders.append(folder)
    return folders


def _controller(reasoner: Reasoner, threshold: float) -> ExitController:
    width = reasoner.model.config.hidden_size
    torch.manual_seed(0)
    states = torch.randn(400, 2 * width)
    probe = Logistic().fit(states, (states[:, 0] + states[:, width] > 0).long())
    return ExitController(
        Hesitation(),
        ProbeSignal(probe, (4, 6), (4, 6)),
        Threshold(threshold),
        reasoner.tags,
        reasoner.closing,
        model=replace(Fingerprint.of(reasoner.model), name="shipped"),
    )


@pytest.fixture(scope="session")
def looped(
    reasoner: Reasoner, prompts: list[list[int]], controllers: list[Path]
) -> Callable[..., list[Any]]:
    """The own loop over the prompts, under a controller or None."""
    found: dict[Any, list[Any]] = {}

    def run(at: int | None = 0, **changes: Any) -> list[Any]:
        key = (at, *changes.items())
        if key not in found:
            made = None if at is None else replace(ExitController.load(controllers[at]), **changes)
            decoding = Decoding(NEW, batch_size=8)
            found[key] = generate(reasoner.model, reasoner.tokenizer, prompts, made, decoding)
        return found[key]

    return run


@pytest.fixture(scope="session")
def saying(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a module of a user's own logits processor, one that looks at each request.

    It has a request write what ``say`` spells in numbers: from its token ``say_at`` on, or from so
    many tokens behind the first one that is ``say_after``.
    """
    folder = tmp_path_factory.mktemp("user")
    (folder / "users_own.py").write_text(SAYING)
    return folder


SAYING = """
from vllm.v1.sample.logits_processor import AdapterLogitsProcessor

class Saying(AdapterLogitsProcessor):
    def is_argmax_invariant(self):
        return False

    def new_req_logits_processor(self, params):
        given = params.extra_args or {}
        if "say" not in given:
            return None
        words = [int(part) for part in given["say"].split()]
        at, after = given["say_at"], given.get("say_after")

        def say(written, logits):
            begin = at
            if after is not None:
                begin = written.index(after) + 1 + at if after in written else len(written) + 1
            place = len(written) - begin
            if 0 <= place < len(words):
                logits[:] = float("-inf")
                logits[words[place]] = 0.0
            return logits

        return say
"""


@pytest.fixture(scope="session")
def engine(controllers: list[Path], saying: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """An engine in this process: prompts in parts, a prefix cache, little memory for rows."""
    if find_spec("vllm") is None:
        pytest.skip("no vLLM here: run `make test-vllm`")
    log = tmp_path_factory.mktemp("log") / "decisions.jsonl"
    sys.path.insert(0, str(saying))
    os.environ |= {
        "PROBEXIT_CONTROLLER": os.pathsep.join(map(str, controllers)),
        "PROBEXIT_LOG": str(log),
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        "VLLM_CPU_KVCACHE_SPACE": "1",
    }
    from vllm import LLM
    from vllm.config.reasoning import ReasoningConfig

    made = LLM(
        place("shipped"),
        dtype="float32",
        enforce_eager=True,
        max_model_len=LONGEST,
        max_num_batched_tokens=32,
        max_num_seqs=16,
        enable_prefix_caching=True,
        num_gpu_blocks_override=40,
        block_size=32,
        logits_processors=["users_own:Saying"],
        reasoning_config=ReasoningConfig(
            reasoning_start_str="<think>", reasoning_end_str="</think>"
        ),
    )
    made.log = log
    return made


@pytest.fixture(scope="session")
def exits(engine: Any) -> Any:
    """The controllers at work in the engine of this process."""
    core = engine.llm_engine.engine_core.engine_core
    return core.model_executor.driver_worker.worker.model_runner.probexit


@pytest.fixture
def write(engine: Any) -> Callable[..., list[list[int]]]:
    """Generate greedily; one set of extra arguments per prompt, one for all, or none."""
    from vllm import SamplingParams

    def run(prompts: list[list[int]], *extra: dict[str, Any], **settings: Any) -> list[list[int]]:
        given = extra * len(prompts) if len(extra) < 2 else extra
        own = given or [None] * len(prompts)
        settings = {"temperature": 0, "max_tokens": NEW, **settings}
        params = [SamplingParams(extra_args=one, **settings) for one in own]
        asked = [{"prompt_token_ids": prompt} for prompt in prompts]
        done = engine.generate(asked, params, use_tqdm=False)
        return [list(out.outputs[0].token_ids) for out in done]

    return run

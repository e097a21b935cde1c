"""A model that gives vLLM no states: hooks read it when eager, and compiled it is refused."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from probexit.hooks.models import place

pytestmark = pytest.mark.skipif(
    find_spec("vllm") is None, reason="no vLLM here: run `make test-vllm`"
)
SCRIPT = """
import json, sys
from vllm.model_executor.models import interfaces
interfaces.supports_eagle3 = lambda model: False  # as for most models
from vllm import LLM, SamplingParams
model, eager, prompts = json.loads(sys.stdin.read())
engine = LLM(model, dtype="float32", enforce_eager=eager, max_model_len=600)
params = SamplingParams(temperature=0, max_tokens=400)
done = engine.generate([{"prompt_token_ids": p} for p in prompts], params, use_tqdm=False)
print("TOKENS", json.dumps([list(out.outputs[0].token_ids) for out in done]))
"""


def run(
    eager: bool, prompts: list[list[int]], controller: Path
) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PROBEXIT_CONTROLLER": str(controller),
        "PROBEXIT_LOG": "",
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        "VLLM_CPU_KVCACHE_SPACE": "1",
    }
    return subprocess.run(
        [sys.executable, "-c", SCRIPT],
        input=json.dumps([place("shipped"), eager, prompts]),
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_hooks_read_an_eager_model(
    prompts: list[list[int]], controllers: list[Path], looped: Callable[..., Any]
) -> None:
    done = run(True, prompts[:6], controllers[0])
    line = next(line for line in done.stdout.splitlines() if line.startswith("TOKENS"))
    assert json.loads(line.removeprefix("TOKENS")) == [row.token_ids for row in looped()[:6]]
    assert "hooks read them" in done.stdout + done.stderr


def test_a_compiled_model_is_refused(prompts: list[list[int]], controllers: list[Path]) -> None:
    done = run(False, prompts[:1], controllers[0])
    assert done.returncode != 0
    assert "add --enforce-eager" in done.stdout + done.stderr

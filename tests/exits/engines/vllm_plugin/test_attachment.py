"""Detaching: runners lose the controller and nothing else, vLLM's classes are as they were."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from probexit.exits.engines.vllm_plugin.attachment import PluginAttachment
from probexit.exits.engines.vllm_plugin.plugin import detach
from probexit.exits.engines.vllm_plugin.states import LayerHooks
from probexit.hooks.models import place

PROMPT = [17, 20, 3]


@pytest.fixture
def runner(fake_vllm: Callable[..., Any], reading: Callable[..., Any]) -> Any:
    """A runner in eager mode, with a processor of the user's beside ours."""
    made = fake_vllm(reading(0.5, answer_tokens=6))
    made.asked_layers = (2,)
    made.model_config.enforce_eager = made.use_aux_hidden_state_outputs = True
    model = SimpleNamespace(
        set_aux_hidden_state_layers=lambda layers: setattr(made, "asked_layers", layers)
    )
    made.get_model = lambda: model
    processors = [SimpleNamespace(name="user's"), SimpleNamespace(runner=made)]
    made.input_batch.logitsprocs = SimpleNamespace(non_argmax_invariant=processors)
    return made


@pytest.mark.parametrize("eager", [True, False])
def test_a_runner_without_requests(runner: Any, eager: bool) -> None:
    """A compiled model is left to return what it was compiled to return."""
    runner.add("r0", PROMPT, 20)
    runner.run()
    runner.model_config.enforce_eager = eager
    before = _hooks(runner.model)
    runner.probexit.hooks = LayerHooks(runner.model, (1,), 4)
    attachment = PluginAttachment()
    attachment.runners.add(runner)
    attachment.detach()
    (left,) = runner.input_batch.logitsprocs.non_argmax_invariant
    assert left.name == "user's"
    assert not hasattr(runner, "probexit")
    assert _hooks(runner.model) == before
    assert runner.use_aux_hidden_state_outputs is not eager
    assert runner.asked_layers == (() if eager else (2,))


def _hooks(model: Any) -> int:
    return sum(len(module._forward_hooks) for module in model.modules())


def test_not_while_requests_are_under_way(runner: Any) -> None:
    attachment = PluginAttachment()
    attachment.runners.add(runner)
    runner.add("r0", PROMPT, 20)
    while not runner.requests["r0"].output_token_ids:
        runner.step()
    with pytest.raises(ValueError, match="1 requests are under way"):
        attachment.detach()
    assert runner.probexit is not None
    runner.run()
    attachment.detach()


def test_nothing_to_detach() -> None:
    with pytest.raises(ValueError, match="no controller is attached"):
        detach()


SCRIPT = """
import json, sys
from vllm import LLM, SamplingParams
from vllm.engine.arg_utils import EngineArgs
from vllm.v1.core.sched.scheduler import Scheduler
from vllm.v1.engine.core import EngineCore
from vllm.v1.engine.llm_engine import LLMEngine
from vllm.v1.worker.gpu_model_runner import GPUModelRunner
from probexit.exits.engines.vllm_plugin.plugin import detach

CLASSES = EngineArgs, Scheduler, EngineCore, LLMEngine, GPUModelRunner
before = [dict(vars(cls)) for cls in CLASSES]
model, prompts = json.loads(sys.stdin.read())

def write(engine):
    params = SamplingParams(temperature=0, max_tokens=400)
    done = engine.generate([{"prompt_token_ids": p} for p in prompts], params, use_tqdm=False)
    return [list(out.outputs[0].token_ids) for out in done]

made = {"dtype": "float32", "enforce_eager": True, "max_model_len": 600}
engine = LLM(model, **made)
held = write(engine)
changed = [dict(vars(cls)) != was for cls, was in zip(CLASSES, before)]
detach()
back = [dict(vars(cls)) == was for cls, was in zip(CLASSES, before)]
print("FOUND", json.dumps([held, write(engine), write(LLM(model, **made)), changed, back]))
"""


@pytest.mark.skipif(find_spec("vllm") is None, reason="no vLLM here: run `make test-vllm`")
def test_in_vllm(
    prompts: list[list[int]], controllers: list[Path], looped: Callable[..., Any]
) -> None:
    """The engine that was there, and one that is made afterwards, write as without it."""
    own = {"PROBEXIT_CONTROLLER": str(controllers[0]), "PROBEXIT_LOG": ""}
    own |= {"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "VLLM_CPU_KVCACHE_SPACE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        input=json.dumps([place("shipped"), prompts[:6]]),
        env={**os.environ, **own},
        capture_output=True,
        text=True,
        timeout=900,
    )
    line = next((line for line in done.stdout.splitlines() if line.startswith("FOUND")), "")
    assert line, done.stderr[-2000:]
    held, free, anew, changed, back = json.loads(line.removeprefix("FOUND"))
    assert held == [row.token_ids for row in looped()[:6]]
    assert free == anew == [row.token_ids for row in looped(None)[:6]] != held
    assert all(changed)
    assert all(back)

"""The controller over SGLang's batches, on a stand-in of its scheduler and sampler."""

from array import array
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.loop import generate
from probexit.exits.engines.server.settings import Settings
from probexit.exits.engines.sglang_plugin.scheduler_exits import SchedulerExits, refuse_layers
from probexit.exits.production.audit import Audit
from probexit.exits.production.log import read
from probexit.hooks.capture import CaptureError

NEW, END, PART = 24, 2, 9


class Scheduler:
    """Batches of requests, prompts in parts, states as SGLang packs them: [n, L * d]."""

    def __init__(self, model: Any, words: Any, rule: Any, folder: Path) -> None:
        self.model, self.tokenizer = model, words
        self.model_config = SimpleNamespace(
            num_hidden_layers=4, context_len=200, hf_eos_token_id={END}
        )
        settings = Settings((rule,), folder / "log", False, folder / "counts", Audit(0.0))
        self.exits = SchedulerExits(self, settings)
        self.layers = settings.layers
        self.reqs: list[Any] = []

    def add(self, name: str, prompt: list[int], **custom: Any) -> Any:
        params = SimpleNamespace(max_new_tokens=NEW, custom_params=custom or None)
        req = SimpleNamespace(rid=name, origin_input_ids=prompt, output_ids=array("q"))
        req.sampling_params, req.grammar, req.read = params, None, 0
        req.inflight_middle_chunks = (len(prompt) - 1) // PART
        req.finished = lambda: (
            req.output_ids[-1:] == array("q", [END]) or len(req.output_ids) >= NEW
        )
        self.reqs.append(req)
        return req

    def step(self) -> None:
        self.exits.scheduled(self.reqs)
        logits, states = zip(*map(self._forward, self.reqs), strict=True)
        self.exits.passed(torch.stack(states))
        chosen = self.exits.decide(torch.stack(logits)).argmax(-1).tolist()
        self.exits.returned(True)
        for req, token in zip(self.reqs, chosen, strict=True):
            if req.inflight_middle_chunks > 0:
                req.inflight_middle_chunks -= 1
            else:
                req.output_ids.append(token)
        self.exits.ended(self.reqs)
        self.reqs = [req for req in self.reqs if not req.finished()]

    def _forward(self, req: Any) -> tuple[torch.Tensor, torch.Tensor]:
        req.read = min(req.read + PART, len(req.origin_input_ids)) + len(req.output_ids)
        ids = [*req.origin_input_ids, *req.output_ids][: req.read]
        req.read -= len(req.output_ids)
        with torch.no_grad():
            out = self.model(torch.tensor([ids]), output_hidden_states=True)
        kept = [out.hidden_states[layer + 1][0, -1] for layer in self.layers]
        return out.logits[0, -1].float(), torch.cat(kept)


@pytest.fixture
def scheduler(
    lively: Callable[..., Any], words: Any, reading: Callable[..., Any], tmp_path: Path
) -> Scheduler:
    rule = reading(0.5, layers=(1, 2), answer_tokens=6)
    return Scheduler(lively("llama"), words, rule, tmp_path)


def test_the_own_loops_tokens_and_decisions(
    scheduler: Scheduler, words: Any, prompts: list[list[int]]
) -> None:
    """Prompts in parts beside requests that write, and one that goes without a controller."""
    prompts = prompts[:8]
    rule = scheduler.exits.settings.controllers[0]
    how = Decoding(NEW, batch_size=8)
    held = generate(scheduler.model, words, prompts, rule, how)
    free = generate(scheduler.model, words, prompts, None, how)
    assert 0 < sum(row.exit is not None for row in held) < len(held)
    reqs = [
        scheduler.add(f"r{i}", prompt, **({"probexit": "off"} if i == 5 else {}))
        for i, prompt in enumerate(prompts)
    ]
    while scheduler.reqs:
        scheduler.step()
    wanted = [free[i] if i == 5 else held[i] for i in range(len(prompts))]
    assert [list(req.output_ids) for req in reqs] == [row.token_ids for row in wanted]
    made = {decision.request: decision for decision in read(scheduler.exits.settings.log)}
    assert made.keys() == {f"r{i}" for i in range(len(prompts)) if i != 5}
    for name, decision in made.items():
        left = held[int(name[1:])].exit
        assert decision.cue == (None if left is None else left.cue)


def test_what_did_not_come_is_an_error(scheduler: Scheduler, prompts: list[list[int]]) -> None:
    """States, requests and passes: each is counted against the others."""
    scheduler.add("r0", [17, 3])
    exits = scheduler.exits
    for states in (None, torch.zeros(1, 65), torch.zeros(2, 64)):
        exits.scheduled(scheduler.reqs)
        exits.passed(states)
        with pytest.raises(CaptureError, match="1 rows at 2 layers were asked for"):
            exits.decide(torch.zeros(1, 128))
    exits.scheduled(scheduler.reqs)
    with pytest.raises(RuntimeError, match="1 requests were scheduled, and 3 have logits"):
        exits.decide(torch.zeros(3, 128))
    exits.scheduled(scheduler.reqs)
    with pytest.raises(RuntimeError, match="sampled without the controller"):
        exits.returned(True)


def test_a_rehearsal_of_the_engine_is_left_alone(scheduler: Scheduler) -> None:
    logits = torch.randn(4, 128)
    assert torch.equal(scheduler.exits.decide(logits.clone()), logits)


def test_layers_that_sglang_does_not_give() -> None:
    refuse_layers((0, 2), 4)
    with pytest.raises(ValueError, match=r"layers 0 to 2, and the controller reads \[3, 4\]"):
        refuse_layers((0, 3, 4), 4)

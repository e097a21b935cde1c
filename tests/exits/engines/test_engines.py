"""The contract of engines, on every one that there is: an engine that is added must be run here."""

import re
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import GenerationConfig
from transformers.generation.configuration_utils import ContinuousBatchingConfig

from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.forward_pass import ForwardPass
from probexit.exits.engines.generate import attach
from probexit.exits.engines.loop import generate
from probexit.exits.engines.row import Row
from probexit.exits.engines.session import Session
from probexit.hooks.capture import CaptureError
from probexit.hooks.end_ids import end_ids

ENGINES = Path(__file__).parents[3] / "exits/engines"
FEEDS = re.compile(r"session\.(?:step|look|orders)\(|\b(?:self|driver)\.orders\(")
NEW, LENGTH = 20, 200
FIELDS = ContinuousBatchingConfig.__dataclass_fields__
PAGE = "page_size" if "page_size" in FIELDS else "block_size"
Prompts = list[list[int]]


class Bench:
    """A model, prompts, a rule, and what runs them."""

    def __init__(self, model: Any, words: Any, prompts: Prompts, rule: Any, fake: Any) -> None:
        self.model, self.words, self.prompts, self.rule = model, words, prompts, rule
        self.fake = fake

    def loop(self) -> Prompts:
        how = Decoding(NEW, batch_size=8)
        done = generate(self.model, self.words, self.prompts, self.rule, how)
        return [row.token_ids for row in done]

    def generate(self) -> Prompts:
        found = []
        with attach(self.model, self.words, self.rule):
            for prompt in self.prompts:
                out = self.model.generate(
                    input_ids=torch.tensor([prompt]), max_new_tokens=NEW, do_sample=False
                )
                found.append(out[0, len(prompt) :].tolist())
        return found

    def continuous(self) -> Prompts:
        end = sorted(end_ids(self.model, self.words))
        config = GenerationConfig(max_new_tokens=NEW, do_sample=False, eos_token_id=end)
        small = ContinuousBatchingConfig(**{"num_blocks": 64, "max_batch_tokens": 48, PAGE: 8})
        with attach(self.model, self.words, self.rule):
            done = self.model.generate_batch(
                self.prompts, generation_config=config, continuous_batching_config=small
            )
        for out in done.values():
            if out.error:
                raise CaptureError(out.error)
        return [out.generated_tokens for out in done.values()]

    def server(self) -> Prompts:
        """vLLM's and SGLang's plugins, which share what decides (`exits/engines/server`)."""
        runner = self.fake(self.rule)
        if self.blind:
            runner.spoilt = lambda states: []
        for i, prompt in enumerate(self.prompts):
            runner.add(f"{i}", prompt, NEW)
        done = runner.run()
        return [done[f"{i}"] for i in range(len(self.prompts))]

    blind = False


# Each module that feeds a session, and what runs it here.
RUN_BY = {
    "base.py": "loop",
    "loop.py": "loop",
    "exit_processor.py": "generate",
    "continuous.py": "continuous",
    "server/served_batch.py": "server",
    "thinking_bar.py": "",  # it looks on and gives no orders
}
every = pytest.mark.parametrize("name", sorted({*RUN_BY.values()} - {""}))


@pytest.fixture
def bench(
    lively: Callable[..., Any],
    words: Any,
    prompts: Prompts,
    reading: Callable[..., Any],
    fake_vllm: Any,
) -> Bench:
    return Bench(lively("llama"), words, prompts[:6], reading(0.5, answer_tokens=6), fake_vllm)


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> list[Session]:
    """The sessions that some row was opened in."""
    seen: list[Session] = []
    start = Session.start

    def noting(self: Session, *args: Any, **kwargs: Any) -> Any:
        seen.append(self)
        return start(self, *args, **kwargs)

    monkeypatch.setattr(Session, "start", noting)
    return seen


@pytest.fixture
def finished(monkeypatch: pytest.MonkeyPatch) -> list[Row]:
    """The rows that an engine took leave of."""
    seen: list[Row] = []
    finish = Session.finish

    def noting(self: Session, row: Row) -> None:
        seen.append(row)
        finish(self, row)

    monkeypatch.setattr(Session, "finish", noting)
    return seen


def test_every_engine_is_run_here() -> None:
    found = {
        str(file.relative_to(ENGINES))
        for file in ENGINES.rglob("*.py")
        if FEEDS.search(file.read_text("utf-8")) and file.name != "session.py"
    }
    assert found <= RUN_BY.keys()
    assert "server/served_batch.py" in found  # the search sees what it should


@every
def test_the_same_tokens_and_a_decision_at_each_cue(
    bench: Bench, name: str, sessions: list[Session], finished: list[Row]
) -> None:
    found = getattr(bench, name)()
    ended = {id(row) for row in finished}
    assert len(ended) == len(finished) == len(sessions)  # each that was started
    at_work = {id(session): session for session in sessions}.values()
    assert sum(session.cues for session in at_work) > 0
    assert all(session.decisions == session.cues for session in at_work)
    assert found == bench.loop()
    bench.rule = bench.rule.with_threshold(float("inf"))
    assert found != bench.loop()  # somebody left


@every
def test_a_pass_that_nobody_decides_on_is_an_error(
    bench: Bench, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that an engine reads but the prompt goes undecided: its orders are lost."""

    def lost(self: Session, made: ForwardPass, *_: Any) -> list[int | None]:
        return [None] * len(made.rows)

    monkeypatch.setattr(Session, "orders", lost)
    with pytest.raises(RuntimeError, match="1 cues and was decided on at 0"):
        getattr(bench, name)()


@every
def test_states_that_do_not_come_are_an_error_and_nothing_stays_behind(
    bench: Bench, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a compiled model: hooks are set and never called."""
    with monkeypatch.context() as fault:
        bench.blind = True
        if name != "server":  # its states are not read by hooks
            fault.setattr(torch.nn.Module, "register_forward_hook", _deaf)
        with pytest.raises(CaptureError):
            getattr(bench, name)()
    assert not any(module._forward_hooks for module in bench.model.modules())
    assert not bench.model._forward_pre_hooks
    assert not {"generate", "init_continuous_batching"} & vars(bench.model).keys()


def _deaf(self: Any, *_: Any, **__: Any) -> Any:
    return torch.utils.hooks.RemovableHandle(OrderedDict())

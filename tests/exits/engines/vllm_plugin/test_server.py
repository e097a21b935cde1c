"""``vllm serve`` under a controller: compiled, over HTTP, many requests at once."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

from probexit.calibration.learn_then_test import LearnThenTest
from probexit.exits.controller import ExitController
from probexit.exits.engines.decoding import Decoding
from probexit.exits.fingerprint import Fingerprint
from probexit.exits.production.digest import digest
from probexit.exits.production.log import read
from probexit.experiments.fitting.fit import splits_of
from probexit.experiments.recording.run import Run
from probexit.experiments.risk_control.drift_monitor import reference_scores, watch
from probexit.experiments.risk_control.recalibrate import recalibrate
from probexit.experiments.verbs.record import Recording, record
from probexit.hooks.models import Reasoner, Source, load, place

pytestmark = pytest.mark.skipif(
    find_spec("vllm") is None, reason="no vLLM here: run `make test-vllm`"
)
NEW = 400


class Server:
    """A ``vllm serve`` of the shipped reasoner."""

    def __init__(self, folder: Path, controllers: list[Path], **environment: str) -> None:
        self.folder, self.controllers, self.environment = folder, controllers, environment
        self.log = folder / "decisions.jsonl"
        with socket.socket() as free:
            free.bind(("localhost", 0))
            self.url = f"http://localhost:{free.getsockname()[1]}"

    def start(self, *options: str) -> None:
        environment = {
            **os.environ,
            "PROBEXIT_CONTROLLER": os.pathsep.join(map(str, self.controllers)),
            "PROBEXIT_LOG": str(self.log),
            "VLLM_CPU_KVCACHE_SPACE": "1",
            **self.environment,
        }
        environment.pop("PROBEXIT_COUNTS", None)
        environment.pop("VLLM_ENABLE_V1_MULTIPROCESSING", None)
        # The server's own module: the command `vllm` wants a package of that name, not vllm-cpu.
        command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server"]
        command += [
            "--model",
            place("shipped"),
            "--served-model-name",
            "shipped",
            "--dtype",
            "float32",
        ]
        command += ["--max-model-len", "600", "--port", self.url.rpartition(":")[2], *options]
        self.output = (self.folder / "output.txt").open("ab")
        self.process = subprocess.Popen(
            command, env=environment, stdout=self.output, stderr=self.output, process_group=0
        )

    def wait(self) -> None:
        for _ in range(600):
            assert self.process.poll() is None, self.said()
            try:
                urlopen(f"{self.url}/health", timeout=5).close()
            except (URLError, OSError):
                time.sleep(0.5)
            else:
                return
        raise AssertionError(self.said())

    def said(self) -> str:
        return (self.folder / "output.txt").read_text()[-4000:]

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.output.close()

    def ask(self, place: str, **body: Any) -> Any:
        body = {"model": "shipped", "temperature": 0, "max_tokens": NEW, **body}
        request = Request(
            f"{self.url}/v1/{place}",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urlopen(request, timeout=300) as answer:
            return json.load(answer)["choices"][0]

    def stream(self, prompt: list[int]) -> list[int]:
        """Ask for a stream; return its tokens."""
        body = {"model": "shipped", "temperature": 0, "max_tokens": NEW, "prompt": prompt}
        request = Request(
            f"{self.url}/v1/completions",
            json.dumps({**body, "stream": True, "return_token_ids": True}).encode(),
            {"Content-Type": "application/json"},
        )
        tokens: list[int] = []
        with urlopen(request, timeout=300) as answer:
            for line in answer:
                if line.startswith(b"data: {"):
                    tokens += json.loads(line[6:])["choices"][0]["token_ids"]
        return tokens

    def tokens(self, prompt: list[int], extra: dict[str, Any]) -> list[int]:
        found: list[int] = self.ask(
            "completions", prompt=prompt, vllm_xargs=extra, return_token_ids=True
        )["token_ids"]
        return found

    def metric(self, name: str) -> float:
        with urlopen(f"{self.url}/metrics", timeout=30) as answer:
            lines = answer.read().decode().splitlines()
        told = [line.rpartition(" ") for line in lines if line and not line.startswith("#")]
        found = {about: float(value) for about, _, value in told}
        return found[name if name in found else f"{name}_total"]


@pytest.fixture(scope="module")
def server(
    controllers: list[Path], saying: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("server"), controllers, PYTHONPATH=str(saying))
    tools = ("--enable-auto-tool-choice", "--tool-call-parser", "hermes")
    own = ("--logits-processors", "users_own:Saying")
    made.start("--reasoning-parser", "deepseek_r1", *tools, *own)
    made.wait()
    yield made
    made.kill()


def test_sixty_four_requests_at_once(
    server: Server, prompts: list[list[int]], looped: Callable[..., Any]
) -> None:
    """With and without the controller, in one batch: each writes what it writes in the own loop."""
    kinds = [{}, {"probexit": "off"}, {"probexit_alpha": 0.3}, {"probexit_max_thinking": 40}]
    runs = [looped(), looped(None), looped(1), looped(0, max_thinking=40)]
    jobs = [(i % len(prompts), (i // len(prompts) + i) % 4) for i in range(64)]
    with ThreadPoolExecutor(64) as pool:
        found = list(pool.map(lambda job: server.tokens(prompts[job[0]], kinds[job[1]]), jobs))
    for (prompt, kind), tokens in zip(jobs, found, strict=True):
        assert tokens == runs[kind][prompt].token_ids, (prompt, kinds[kind])
    time.sleep(2)
    asked = sum(kind != 1 for _, kind in jobs)
    left = [runs[kind][prompt].exit for prompt, kind in jobs if kind != 1]
    assert server.metric("probexit_requests") == asked == len(read(server.log))
    assert server.metric("probexit_exits") == sum(e is not None and e.cue is not None for e in left)
    assert server.metric("probexit_failed") == 0
    assert server.metric("probexit_saved") > 0


def test_a_level_that_is_not_certified(server: Server, prompts: list[list[int]]) -> None:
    with pytest.raises(HTTPError) as refused:
        server.tokens(prompts[0], {"probexit_alpha": 0.2})
    assert refused.value.code == 400
    assert "certified are: 0.1, 0.3" in refused.value.read().decode()


def test_reasoning_and_answer_are_told_apart(server: Server) -> None:
    question = "Start with 8. (1) subtract 2. (2) subtract 2. Work modulo 23. What is the result?"
    messages = [{"role": "user", "content": question}]
    found = server.ask("chat/completions", messages=messages)["message"]
    thinking = found.get("reasoning") or found.get("reasoning_content")
    assert thinking
    assert found["content"].strip().startswith("The answer is")
    assert "</think>" not in found["content"]


def test_a_tool_call_reaches_its_parser(server: Server, reasoner: Reasoner) -> None:
    """Written behind an exit, it is what it is without a controller: a call, and no text."""
    call = '<tool_call>\n{"name": "add", "arguments": {"a": 1, "b": 22}}\n</tool_call>'
    tokenizer = reasoner.tokenizer
    said = [*tokenizer.encode(call, add_special_tokens=False), tokenizer.eos_token_id]
    tool = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}
    question = "Start with 8. (1) subtract 2. (2) subtract 2. Work modulo 23. What is the result?"
    closing = len(tokenizer.encode(reasoner.closing, add_special_tokens=False))
    for switch, at in (("on", closing), ("off", 0)):
        extra = {"probexit": switch, "say": " ".join(map(str, said)), "say_at": at}
        message = server.ask(
            "chat/completions",
            messages=[{"role": "user", "content": question}],
            tools=[tool],
            vllm_xargs={**extra, "say_after": tokenizer.convert_tokens_to_ids("</think>")},
        )["message"]
        (made,) = message["tool_calls"]
        assert made["function"]["name"] == "add"
        assert json.loads(made["function"]["arguments"]) == {"a": 1, "b": 22}
        assert "tool_call" not in (message["content"] or "")


def test_structured_output_stays_what_was_asked_for(server: Server) -> None:
    """An exit closes the thinking, and the grammar writes the answer."""
    question = "Start with 8. (1) subtract 2. (2) subtract 2. Work modulo 23. What is the result?"
    messages = [{"role": "user", "content": question}]
    for extra in ({}, {"probexit": "off"}):
        found = server.ask(
            "chat/completions",
            messages=messages,
            vllm_xargs=extra,
            structured_outputs={"choice": ["4", "5"]},
        )["message"]
        assert found["content"] in ("4", "5"), found


def test_a_killed_server_comes_back(
    server: Server, prompts: list[list[int]], looped: Callable[..., Any]
) -> None:
    before = len(read(server.log))
    with ThreadPoolExecutor(8) as pool:
        for prompt in prompts[:8]:
            pool.submit(lambda p=prompt: server.tokens(p, {}))
        time.sleep(1)
        server.kill()
    server.start("--enforce-eager")
    server.wait()
    assert server.tokens(prompts[0], {}) == looped()[0].token_ids
    time.sleep(2)
    assert len(read(server.log)) > before


def test_the_audit_and_the_alarm_over_http(
    controllers: list[Path],
    prompts: list[list[int]],
    looped: Callable[..., Any],
    recorded: Path,
    tmp_path: Path,
) -> None:
    """Streams of audited requests are the full runs; metrics and log say what `watch` reads."""
    rate = {"PROBEXIT_AUDIT": "0.5", "PROBEXIT_TASK": "arith", "PROBEXIT_RUN": str(recorded)}
    server = Server(tmp_path, controllers[:1], **rate)
    server.start("--enforce-eager")
    server.wait()
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(server.stream, prompts))
    for _ in range(120):  # the counters are shown a moment after the line
        if len(read(server.log)) == len(prompts) == server.metric("probexit_requests"):
            break
        time.sleep(0.5)
    made, held, free = read(server.log), looped(), looped(None)
    audited = [decision for decision in made if decision.audit is not None]
    full = sum(tokens == row.token_ids for tokens, row in zip(found, free, strict=True))
    assert all(t in (a.token_ids, b.token_ids) for t, a, b in zip(found, held, free, strict=True))
    assert full >= len(audited) > 2
    controller = ExitController.load(controllers[0])
    name = f'{{controller="{digest(controller)}"}}'
    seen = watch(made, reference_scores(controller, splits_of(Run(recorded)).calibrate))
    assert server.metric("probexit_audited") == seen.audited == len(audited)
    assert server.metric("probexit_agreed") == sum(bool(d.agrees) for d in audited)
    assert server.metric(f"probexit_drift_evidence{name}") == pytest.approx(seen.wealth[-1])
    assert server.metric(f"probexit_drift_alarm{name}") == (seen.rang is not None)
    assert server.metric("probexit_refused") == sum(decision.refused for decision in made)
    assert server.metric("probexit_pending") == server.metric("probexit_unfinished") == 0
    assert recalibrate(made, controller.policy, LearnThenTest(0.9)).n == len(audited)
    server.kill()


@pytest.fixture
def recorded(reasoner: Reasoner, tmp_path: Path) -> Path:
    """A small run, as if the controllers had been calibrated on it."""
    decoding = Decoding(NEW, temperature=0, batch_size=8)
    how = Recording(cues="hesitation", layers=(4, 6), decoding=decoding)
    return record(reasoner, "arith", tmp_path / "run", 24, how).folder


def test_a_controller_for_another_model_stops_the_start(
    controllers: list[Path], tmp_path: Path
) -> None:
    made = ExitController.load(controllers[0])
    deep = replace(Fingerprint.of(load(Source("shipped-deep")).model), layers=6)
    replace(made, model=deep).save(tmp_path / "other")
    other = Server(tmp_path, [tmp_path / "other"])
    other.start("--enforce-eager")
    assert other.process.wait(timeout=180) != 0
    assert "this controller was made for" in (tmp_path / "output.txt").read_text()
    other.output.close()

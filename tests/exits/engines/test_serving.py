"""`transformers serve` under a controller, over HTTP; where its dependencies are installed."""

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from probexit.exits.controller import ExitController
from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.loop import generate
from probexit.exits.engines.serving import ControlledServer
from probexit.exits.policies.threshold import Threshold
from probexit.exits.signals.position import Position
from probexit.hooks.cues.hesitation import Hesitation
from probexit.hooks.models import Source, load, place

QUESTION = "Start with {}. (1) subtract 2. (2) subtract 2. Work modulo 23. What is the result?"


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, ExitController, ControlledServer]]:
    pytest.importorskip("fastapi", reason="no transformers[serving]: the server was not run")
    pytest.importorskip("uvicorn", reason="no transformers[serving]: the server was not run")
    pytest.importorskip("openai", reason="no transformers[serving]: the server was not run")
    reasoner = load(Source())
    controller = ExitController(
        Hesitation(), Position(), Threshold(30), reasoner.tags, reasoner.closing
    )
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    server = ControlledServer(
        place("shipped"),
        controller,
        port=port,
        cb_num_blocks=256,
        cb_max_batch_tokens=256,
        non_blocking=True,
    )
    yield f"http://localhost:{port}/v1/chat/completions", controller, server
    server.close()


def asked(url: str, question: str) -> str:
    body = {
        "model": place("shipped"),
        "messages": [{"role": "user", "content": question}],
        "max_tokens": 320,
        "temperature": 0,
        "stream": False,
    }
    request = Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    for _ in range(100):
        try:
            with urlopen(request, timeout=120) as answer:
                found: dict[str, Any] = json.load(answer)
                text: str = found["choices"][0]["message"]["content"]
                return text
        except URLError:
            time.sleep(0.2)
    raise AssertionError("the server does not answer")


def test_requests_at_once_leave_as_in_the_own_loop(served: Any) -> None:
    url, controller, server = served
    questions = [QUESTION.format(n) for n in range(8, 16)]
    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(lambda q: asked(url, q), questions))
    reasoner = load(Source())
    prompts = [reasoner.prompt(question) for question in questions]
    rows = generate(
        reasoner.model, reasoner.tokenizer, prompts, controller, Decoding(320, batch_size=8)
    )
    assert any(row.exit for row in rows)
    for text, row in zip(texts, rows, strict=True):
        own = reasoner.after_thinking(row.token_ids).strip()
        assert own
        assert text.strip().endswith(own)
    exits = [row.exit for row in server.attachments[0].requests.values()]
    assert sum(e is not None for e in exits) == sum(row.exit is not None for row in rows)

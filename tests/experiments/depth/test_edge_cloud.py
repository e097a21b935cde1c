"""Two halves of one model on loopback."""

import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor

from probexit.exits.depth.controller import DepthController
from probexit.exits.depth.deciders.gap import Gap
from probexit.exits.depth.heads.plain import PlainHead
from probexit.exits.depth.modes.catch_up import CatchUp
from probexit.exits.depth.rule import ExitRule
from probexit.experiments import reasoner
from probexit.experiments.depth.cloud import serve
from probexit.experiments.depth.edge import CloudLost, Edge, EdgeText
from probexit.experiments.depth.edge_cloud import describe
from probexit.experiments.depth.edge_cloud import main as example
from probexit.experiments.depth.wire import Wire


@pytest.fixture
def half(tiny_model: Any) -> Any:
    def build() -> Any:
        model = tiny_model("llama", tie_word_embeddings=False, initializer_range=0.4)
        model.generation_config.eos_token_id = None
        return model

    return build


def rule(threshold: float) -> ExitRule:
    return ExitRule((1,), Gap(), PlainHead(), threshold)


@contextmanager
def cloud(model: Any, layers: int = 2) -> Iterator[Wire]:
    edge, other = socket.socketpair()
    thread = threading.Thread(target=serve, args=(model, layers, other))
    thread.start()
    try:
        yield Wire(edge)
    finally:
        edge.close()
        thread.join()
        other.close()


PROMPT = [5, 9, 33, 60, 4]


@pytest.mark.parametrize("threshold", [0.3, 2.0])
def test_two_halves_write_what_catching_up_writes(half: Any, threshold: float) -> None:
    with cloud(half()) as wire:
        text = Edge(half(), rule(threshold)).write(wire, PROMPT, 20)
    model = half()
    with DepthController(rule(threshold), CatchUp(99)).attach(model) as attached:
        ids = model.generate(torch.tensor([PROMPT]), max_new_tokens=20, do_sample=False)
    assert text.tokens == ids[0, 5:].tolist()
    deep = sum(depth == 4 for (depth,) in attached.trace.depths)
    assert text.asked == deep + 1  # the prompt's own token
    assert text.lost is None


def test_bytes_are_counted(half: Any) -> None:
    with cloud(half()) as wire:
        text = Edge(half(), rule(0.3)).write(wire, PROMPT, 20)
    assert 1 < text.asked < 20
    states = 2 * 32 * (5 + 19)  # float16, width 32: every token but the last at most
    overhead = text.asked * 80
    assert states - 2 * 32 * 19 < text.sent <= states + overhead
    assert text.sent == wire.sent
    assert 0 < text.received < 40 * text.asked


class Breaking(Wire):
    """Breaks before the third question."""

    questions = 0

    def send(self, header: dict[str, Any], numbers: Tensor | None = None) -> None:
        self.questions += 1
        if self.questions == 3:
            self.close()
        super().send(header, numbers)


def test_a_lost_cloud_is_finished_locally_or_raised(half: Any) -> None:
    with cloud(half()) as wire:
        whole = Edge(half(), rule(2.0)).write(wire, PROMPT, 8)
    with cloud(half()) as wire:
        text = Edge(half(), rule(2.0)).write(Breaking(wire._connection), PROMPT, 8)
    assert text.lost == 2
    assert text.tokens[:2] == whole.tokens[:2]
    assert len(text.tokens) == 8
    edge = Edge(half(), rule(2.0), alone=False)
    with cloud(half()) as wire, pytest.raises(CloudLost, match="lost at token 2"):
        edge.write(Breaking(wire._connection), PROMPT, 8)
    assert "forward" not in vars(edge.model.model.layers[0])


def test_halves_that_do_not_fit_are_named(half: Any) -> None:
    with cloud(half(), layers=3) as wire, pytest.raises(ValueError, match="after 3 layers"):
        Edge(half(), rule(0.3)).write(wire, PROMPT, 4)


@pytest.mark.slow
def test_two_processes(half: Any, byte_tokenizer: Any, tmp_path: Any) -> None:
    model = half()
    model.save_pretrained(tmp_path)
    byte_tokenizer.save_pretrained(tmp_path)
    command = [sys.executable, "-m", "probexit.experiments.depth.cloud"]
    with subprocess.Popen(
        [*command, "--model", str(tmp_path), "--layers", "2"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline().split()[-1])
        with socket.create_connection(("127.0.0.1", port)) as connection:
            text = Edge(half(), rule(0.3)).write(Wire(connection), PROMPT, 12)
        process.terminate()
    with cloud(half()) as wire:
        assert text == Edge(half(), rule(0.3)).write(wire, PROMPT, 12)


def test_what_was_sent_is_said() -> None:
    whole = describe(EdgeText([1, 2, 3, 4], 1, 500, 40, None, 9, 6, 6), width=16)
    assert whole.startswith("3 of 4 tokens by the edge alone; 500 bytes sent (states of all tokens")
    assert describe(EdgeText([1], 0, 0, 0, 0, 6, 0, 0), 16).endswith(
        "cloud lost at token 0, went on alone"
    )


@pytest.mark.slow
def test_the_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    if not reasoner.path().is_dir():
        pytest.skip("the shipped reasoner is not in this checkout")
    sizes = ["--layers", "3", "--problems", "1", "--threshold"]
    example([*sizes, "0.9"])
    kept, total = capsys.readouterr().out.split("; ")[1].split(" tokens")[0].split(" of ")
    assert 0 < int(kept) < int(total)
    example([*sizes, "2", "--lose-after", "2"])  # a gap is never 2: the edge asks about all
    assert "cloud lost at token 2" in capsys.readouterr().out


@pytest.mark.parametrize(
    "frame",
    [b"[]", b'{"a": 1, "a": 2}', b'{"shape": [1, 2]}', b'{"shape": [1, 9, 4]}', b'{"shape": "x"}'],
)
def test_a_frame_that_was_not_meant_is_refused(frame: bytes) -> None:
    a, b = socket.socketpair()
    with a, b:
        a.sendall(struct.pack("!II", len(frame), 4) + frame + b"1234")
        with pytest.raises(ValueError, match=r"frame|repeat|twice"):
            Wire(b).receive()

"""Edge and cloud on loopback, two processes: what stays on the edge, and what is sent.

python -m probexit.experiments.depth.edge_cloud --layers 4 --problems 5 --lose-after 20
"""

import argparse
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor

from probexit.exits.depth.deciders.gap import Gap
from probexit.exits.depth.heads.plain import PlainHead
from probexit.exits.depth.rule import ExitRule
from probexit.experiments.depth.bench import DepthBench
from probexit.experiments.depth.edge import Edge, EdgeText
from probexit.experiments.depth.wire import Wire
from probexit.experiments.recording.tasks.by_name import task
from probexit.hooks.models import Source, load


class Failing(Wire):
    """A connection that breaks after some questions."""

    def __init__(self, connection: socket.socket, questions: int) -> None:
        super().__init__(connection)
        self.left = questions

    def send(self, header: dict[str, Any], numbers: Tensor | None = None) -> None:
        self.left -= 1
        if self.left < 0:
            self.close()
        super().send(header, numbers)


@contextmanager
def cloud(model: str, layers: int) -> Iterator[int]:
    """Run the cloud's half in a process of its own; yield its port.

    Raises:
        ValueError: if that process ended before it listened.
    """
    command = [sys.executable, "-m", "probexit.experiments.depth.cloud"]
    arguments = ["--model", model, "--layers", str(layers)]
    with subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise ValueError("the cloud's process ended before it listened: see its error above")
        try:
            yield int(line.split()[-1])
        finally:
            process.terminate()


def describe(text: EdgeText, width: int) -> str:
    """Say what was kept and sent, beside what sending every token's state would take."""
    kept = len(text.tokens) - text.asked
    words = f"{kept} of {len(text.tokens)} tokens by the edge alone; {text.sent:,} bytes sent"
    words += (
        f" (states of all tokens: {2 * width * len(text.tokens):,}), {text.received:,} received"
    )
    return (
        words if text.lost is None else f"{words}; cloud lost at token {text.lost}, went on alone"
    )


def main(arguments: list[str] | None = None) -> None:
    """Write a few problems with the model in two halves, and print what was sent."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="shipped")
    parser.add_argument("--task", default="arith")
    parser.add_argument("--layers", type=int, required=True, help="layers that run on the edge")
    parser.add_argument(
        "--threshold", type=float, default=0.9, help="gap at which the edge is sure"
    )
    parser.add_argument("--problems", type=int, default=3)
    parser.add_argument(
        "--lose-after", type=int, default=-1, help="questions until the cloud is lost"
    )
    args = parser.parse_args(arguments)
    bench = DepthBench(load(Source(args.model)), task(args.task))
    rule = ExitRule((args.layers - 1,), Gap(), PlainHead(), args.threshold)
    edge = Edge(bench.reasoner.model, rule)
    width = bench.reasoner.model.config.hidden_size
    with cloud(args.model, args.layers) as port:
        for item in bench.items(0, args.problems):
            with socket.create_connection(("127.0.0.1", port)) as connection:
                lost = args.lose_after >= 0
                wire = Failing(connection, args.lose_after) if lost else Wire(connection)
                (prompt,) = bench.prompts([item])
                text = edge.write(wire, prompt, bench.max_new_tokens)
            right = "right" if bench.right(item, text.tokens) else "wrong"
            print(
                f"{item.question}: {bench.answer(text.tokens)} ({right}); {describe(text, width)}"
            )


if __name__ == "__main__":
    main()

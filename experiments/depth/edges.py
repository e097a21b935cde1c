"""Several edges and one cloud in one process: what stays on the edges, and what is sent."""

import copy
import socket
import threading
from argparse import Namespace
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any, Self

from probexit.exits.depth.deciders.max_probability import MaxProbability
from probexit.exits.depth.heads.plain import PlainHead
from probexit.exits.depth.rule import ExitRule
from probexit.experiments.depth.bench import DepthBench
from probexit.experiments.depth.cloud import serve
from probexit.experiments.depth.edge import Edge, EdgeText
from probexit.experiments.depth.wire import Wire
from probexit.experiments.recording.tasks.by_name import task
from probexit.hooks.layers import hidden_size
from probexit.hooks.models import Source, load

HALF = 2  # bytes of a number as it is sent


@dataclass(frozen=True)
class EdgesBill:
    """What the edges did; states are counted in half precision throughout, as they are sent.

    Attributes:
        edges: How many.
        texts: What they wrote together.
        tokens: Of these texts.
        by_edge: Share of the tokens that an edge wrote by itself.
        same_text: Share of the texts that are the full model's.
        states: Bytes of the states sent.
        all_states: Bytes of every token's state, each sent once.
        nothing_kept: Bytes had each question carried all states of its text so far.
        frames: Bytes sent in all, headers with them.
        received: Bytes received.
    """

    edges: int
    texts: int
    tokens: int
    by_edge: float
    same_text: float
    states: int
    all_states: int
    nothing_kept: int
    frames: int
    received: int

    @classmethod
    def of(
        cls, edges: int, texts: Sequence[EdgeText], full: Sequence[Sequence[int]], width: int
    ) -> Self:
        """Add up.

        Args:
            edges: How many wrote.
            texts: What they wrote.
            full: What the full model writes on the same prompts.
            width: Numbers of a state.
        """
        tokens = sum(len(text.tokens) for text in texts)
        asked = sum(text.asked for text in texts)
        same = [text.tokens == list(other) for text, other in zip(texts, full, strict=True)]
        state = HALF * width
        return cls(
            edges=edges,
            texts=len(texts),
            tokens=tokens,
            by_edge=1 - asked / tokens,
            same_text=sum(same) / len(same),
            states=state * sum(text.states for text in texts),
            all_states=state * sum(text.read for text in texts),
            nothing_kept=state * sum(text.carried for text in texts),
            frames=sum(text.sent for text in texts),
            received=sum(text.received for text in texts),
        )

    def __str__(self) -> str:
        return "\n".join(
            [
                f"{self.texts} texts, {self.tokens} tokens on {self.edges} edges",
                f"written by an edge alone  {self.by_edge:.1%} of the tokens",
                f"the full model's text     {self.same_text:.1%} of the texts",
                f"states sent               {self.states:,} bytes, of {self.all_states:,} of all",
                f"                          ({self.nothing_kept:,} if the cloud kept none)",
                f"with headers              {self.frames:,} sent, {self.received:,} received",
            ]
        )


def edges(args: Namespace) -> dict[str, Any]:
    """Let ``args.edges`` edges write ``args.n`` problems with one cloud; say what was sent.

    Raises:
        ValueError: on fewer problems than edges.
    """
    if args.edges < 1 or args.n < args.edges:
        raise ValueError(f"--n {args.n} on --edges {args.edges}: give each edge a problem")
    bench = DepthBench(
        load(Source(args.model)), task(args.task, args.data, args.seed), args.max_new_tokens
    )
    rule = ExitRule((args.edge_layers - 1,), MaxProbability(), PlainHead(), args.threshold)
    prompts = bench.prompts(bench.items(0, args.n))
    model = bench.reasoner.model
    texts = write(model, rule, prompts, args.edges, args.max_new_tokens)
    made = EdgesBill.of(args.edges, texts, bench.full_texts(prompts), hidden_size(model))
    print(made)
    return asdict(made)


def write(
    model: Any, rule: ExitRule, prompts: Sequence[Sequence[int]], edges: int, limit: int
) -> list[EdgeText]:
    """Continue prompts on several edges at once, which ask one cloud.

    Args:
        model: The whole model, eval mode; each side gets a twin that shares its weights.
        rule: Its one exit layer is the last that runs on an edge.
        prompts: Dealt out to the edges in turn.
        edges: How many.
        limit: Tokens of each text.
    """
    twins = [_twin(model) for _ in range(edges + 1)]
    layers = rule.layers[0] + 1
    with _cloud(twins[0], layers, edges) as wires, ThreadPoolExecutor(edges) as pool:
        shares = [
            pool.submit(_write, Edge(twin, rule, alone=False), wire, prompts[e::edges], limit)
            for e, (twin, wire) in enumerate(zip(twins[1:], wires, strict=True))
        ]
        done = [share.result() for share in shares]
    return [done[i % edges][i // edges] for i in range(len(prompts))]


def _write(edge: Edge, wire: Wire, prompts: Sequence[Sequence[int]], limit: int) -> list[EdgeText]:
    try:
        return [edge.write(wire, prompt, limit) for prompt in prompts]
    finally:
        wire.close()


@contextmanager
def _cloud(model: Any, layers: int, edges: int) -> Iterator[list[Wire]]:
    """Run a cloud in a thread of its own; it ends when every edge has left."""
    near, far = zip(*(socket.socketpair() for _ in range(edges)), strict=True)

    def run() -> None:
        try:
            serve(model, layers, *far)
        finally:  # whatever happened to the cloud, no edge may wait for it for ever
            for connection in far:
                connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield [Wire(connection) for connection in near]
    finally:
        for connection in near:
            connection.close()
        thread.join()


def _twin(model: Any) -> Any:
    """Return a copy of a model that shares its weights: gates stand on one model at a time."""
    shared = {id(each): each for each in chain(model.parameters(), model.buffers())}
    return copy.deepcopy(model, shared)

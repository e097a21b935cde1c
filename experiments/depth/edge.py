"""The edge's half of a model: it keeps the tokens that it is sure of, and asks about the others.

CE-CoLLM (arXiv 2411.02829): the lower layers run on the edge with an exit head; a token whose exit
is not confident has its hidden state sent to the cloud, with those of the tokens before it that the
cloud has not seen. What comes out is catch-up decoding, cut in two. The paper's edge has a second
exit and sends every state at once while it computes on; ours has one, and sends them when it asks,
so that those after its last question are never sent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from probexit.exits.depth.deciders.layer_view import LayerView
from probexit.exits.depth.decoding.cache import DepthCache
from probexit.exits.depth.heads.readout import Readout
from probexit.exits.depth.interception.gates import Gates, Handler
from probexit.exits.depth.interception.layer_call import LayerCall
from probexit.exits.depth.rule import ExitRule
from probexit.experiments.depth.wire import Wire
from probexit.hooks.forward import forward
from probexit.probes.artefacts.config import plain_value


class CloudLost(ConnectionError):
    """The cloud went away in the middle of a text."""


@dataclass(frozen=True)
class EdgeText:
    """What the edge wrote.

    Attributes:
        tokens: The continuation.
        asked: Tokens among them that the cloud wrote.
        sent: Bytes sent for it.
        received: Bytes received for it.
        lost: Token at which the cloud was lost and the edge went on alone; None if it was not.
        read: Tokens that the edge read, the prompt's with them: each has one state.
        states: States sent; none twice, for the cloud keeps what it got.
        carried: States that its questions would have carried had the cloud kept nothing.
    """

    tokens: list[int]
    asked: int
    sent: int
    received: int
    lost: int | None
    read: int
    states: int
    carried: int


class LowerLayers(Handler):
    """Runs the first layers only, and keeps the newest states after them."""

    def __init__(self, layers: int) -> None:
        self.layers = layers
        self.after = self.before = torch.empty(0)

    def layer(self, call: LayerCall) -> Tensor:
        if call.index >= self.layers:
            return call.hidden
        after = call.run()
        self.before, self.after = call.hidden, after
        return after


@dataclass(frozen=True)
class Edge:
    """The lower layers of a model, a rule with one exit after them, and a way to the cloud.

    Attributes:
        model: The model; layers above the exit are not run and may hold anything.
        rule: Its one exit layer is the last that runs here.
        alone: When the cloud is lost: go on with the exit's own tokens, or raise ``CloudLost``.
    """

    model: Any
    rule: ExitRule
    alone: bool = True

    def __post_init__(self) -> None:
        if len(self.rule.layers) != 1:
            raise ValueError(f"an edge has one exit, not {self.rule.layers}: name its last layer")

    @torch.inference_mode()
    def write(self, wire: Wire, prompt: Sequence[int], max_new_tokens: int) -> EdgeText:
        """Continue a prompt greedily.

        Raises:
            CloudLost: if the cloud is lost and the edge may not go on alone.
            ValueError: if the cloud takes over after another layer.
        """
        lower = LowerLayers(self.rule.layers[0] + 1)
        with Gates(self.model, lower):
            return _Text(self, lower, wire).write(prompt, max_new_tokens)


class _Text:
    """One text under way."""

    def __init__(self, edge: Edge, lower: LowerLayers, wire: Wire) -> None:
        self.edge, self.lower, self.wire = edge, lower, wire
        self.readout: Readout = edge.rule.readout(edge.model)
        self.cache = DepthCache()
        self.unseen: list[Tensor] = []  # states that the cloud has not been sent
        self.begin = True
        self.asked = self.states = self.carried = 0
        self.lost: int | None = None

    def write(self, prompt: Sequence[int], limit: int) -> EdgeText:
        sent, received = self.wire.sent, self.wire.received
        ends = self.edge.model.generation_config.eos_token_id
        stop = set(ends if isinstance(ends, list) else [ends])
        tokens: list[int] = []
        newest = list(prompt)
        while len(tokens) < limit and not (tokens and tokens[-1] in stop):
            self._run(newest)
            tokens.append(self._next(len(tokens)))
            newest = tokens[-1:]
        bytes_out, bytes_in = self.wire.sent - sent, self.wire.received - received
        sizes = (self.cache.columns, self.states, self.carried)
        return EdgeText(tokens, self.asked, bytes_out, bytes_in, self.lost, *sizes)

    def _run(self, tokens: list[int]) -> None:
        ids = torch.tensor([tokens], device=self.edge.model.device)
        begin = self.cache.columns
        positions = torch.arange(begin, begin + len(tokens), device=ids.device)[None]
        forward(self.edge.model, ids, self.cache, positions, keep=1)
        self.cache.columns += len(tokens)
        self.unseen.append(self.lower.after)

    def _next(self, step: int) -> int:
        """Return the exit's token if it is sure, else the cloud's."""
        layer = self.edge.rule.layers[0]
        after, before = self.lower.after[:, -1], self.lower.before[:, -1]
        look = LayerView(layer, after, before, step, self.readout)
        # The first token is the cloud's: it must read the prompt in any case.
        sure = step > 0 and bool(self.edge.rule.leaves(look))
        if sure or self.lost is not None:
            return int(look.tokens)
        try:
            return self._ask()
        except OSError as error:
            if not self.edge.alone:
                raise CloudLost(
                    f"the cloud was lost at token {step}: {error}; "
                    "connect again, or let the edge go on alone"
                ) from error
            self.lost = step
            return int(look.tokens)

    def _ask(self) -> int:
        header = {"layers": self.lower.layers, "begin": self.begin}
        states = torch.cat(self.unseen, 1)
        self.wire.send(header, states)
        answer, _ = self.wire.receive()
        if "error" in answer:
            raise ValueError(f"the cloud refuses: {answer['error']}")
        token = plain_value(int, answer.get("token"), "the cloud's token")
        self.begin = False
        self.unseen = []
        self.asked += 1
        self.states += states.shape[1]
        self.carried += self.cache.columns
        return int(token)

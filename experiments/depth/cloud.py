"""The cloud's half of a model: it runs the upper layers on states that an edge could not settle.

python -m probexit.experiments.depth.cloud --model shipped --layers 4 --port 7070
"""

import argparse
import selectors
import socket
from typing import Any

import torch
from torch import Tensor

from probexit.exits.depth.decoding.cache import DepthCache
from probexit.exits.depth.interception.gates import Gates, Handler
from probexit.exits.depth.interception.layer_call import LayerCall
from probexit.experiments.depth.wire import Wire
from probexit.hooks.forward import forward


class UpperLayers(Handler):
    """Leaves out the first layers and begins with given states.

    It keeps, for each edge, the keys and values of what that edge has sent: CE-CoLLM's content
    manager, so that a question carries nothing twice.

    Args:
        model: The whole model, eval mode.
        layers: How many of its layers run on the edge.
    """

    def __init__(self, model: Any, layers: int) -> None:
        self.model, self.layers = model, layers
        self._states = torch.empty(0)
        self._kept: dict[int, DepthCache] = {}

    def open(self, edge: int) -> None:
        """Start a new text of an edge."""
        self._kept[edge] = DepthCache()

    def forget(self, edge: int) -> None:
        """Keep nothing more of an edge that left."""
        self._kept.pop(edge, None)

    def layer(self, call: LayerCall) -> Tensor:
        if call.index < self.layers:
            return call.hidden
        return (call if call.index > self.layers else call.tokens(0, self._states)).run()

    def logits(self, edge: int, states: Tensor) -> Tensor:
        """Continue with ``states [1, q, d]``, the next tokens of an edge's text; return ``[V]``."""
        self._states = states.to(self.model.device, self.model.dtype)
        cache = self._kept[edge]
        begin, size = cache.columns, states.shape[1]
        ids = torch.zeros(1, size, dtype=torch.long)
        positions = torch.arange(begin, begin + size)[None]
        logits = forward(self.model, ids, cache, positions, keep=1)
        cache.columns += size
        return logits[0, -1]


@torch.inference_mode()
def serve(model: Any, layers: int, *connections: socket.socket) -> None:
    """Answer edges until all have left: states in, the full model's next token out."""
    upper = UpperLayers(model, layers)
    with selectors.DefaultSelector() as waiting, Gates(model, upper):
        for edge, connection in enumerate(connections):
            waiting.register(connection, selectors.EVENT_READ, (edge, Wire(connection)))
        while waiting.get_map():
            for key, _ in waiting.select():
                edge, wire = key.data
                if not _answered(upper, edge, wire):
                    waiting.unregister(key.fileobj)
                    upper.forget(edge)


def _answered(upper: UpperLayers, edge: int, wire: Wire) -> bool:
    """Answer one question; return whether the edge may ask another."""
    try:
        header, states = wire.receive()
        if header.get("layers") != upper.layers:
            wire.send({"error": f"this cloud takes over after {upper.layers} layers"})
            return False
        if header.get("begin"):
            upper.open(edge)
        if states is not None:
            wire.send({"token": int(upper.logits(edge, states).argmax())})
    except OSError:
        return False
    except ValueError as error:
        wire.send({"error": str(error)})
        return False
    return states is not None


def main() -> None:
    """Serve edges one after another, on loopback."""
    from probexit.hooks.models import Source, load

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="shipped")
    parser.add_argument("--layers", type=int, required=True, help="layers that run on the edge")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    args = parser.parse_args()
    model = load(Source(args.model)).model
    with socket.create_server(("127.0.0.1", args.port)) as server:
        print(f"listening on {server.getsockname()[1]}", flush=True)
        while True:
            connection, _ = server.accept()
            with connection:
                serve(model, args.layers, connection)


if __name__ == "__main__":
    main()

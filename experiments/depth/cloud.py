"""The cloud's half of a model: it runs the upper layers on states that an edge could not settle.

python -m probexit.experiments.depth.cloud --model shipped --layers 4 --port 7070
"""

import argparse
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

    Args:
        model: The whole model, eval mode.
        layers: How many of its layers run on the edge.
    """

    def __init__(self, model: Any, layers: int) -> None:
        self.model, self.layers = model, layers
        self._states = torch.empty(0)
        self.open()

    def open(self) -> None:
        """Start a new text."""
        self._cache = DepthCache()

    def layer(self, call: LayerCall) -> Tensor:
        if call.index < self.layers:
            return call.hidden
        return (call if call.index > self.layers else call.tokens(0, self._states)).run()

    def logits(self, states: Tensor) -> Tensor:
        """Continue with ``states [1, q, d]``, the next tokens of the text; return ``[V]``."""
        self._states = states.to(self.model.device, self.model.dtype)
        begin, size = self._cache.columns, states.shape[1]
        ids = torch.zeros(1, size, dtype=torch.long)
        positions = torch.arange(begin, begin + size)[None]
        logits = forward(self.model, ids, self._cache, positions, keep=1)
        self._cache.columns += size
        return logits[0, -1]


@torch.inference_mode()
def serve(model: Any, layers: int, connection: socket.socket) -> None:
    """Answer one edge until it leaves: states in, the full model's next token out."""
    wire, upper = Wire(connection), UpperLayers(model, layers)
    with Gates(model, upper):
        while True:
            try:
                header, states = wire.receive()
            except OSError:
                return
            except ValueError as error:
                wire.send({"error": str(error)})
                return
            if header.get("layers") != layers:
                wire.send({"error": f"this cloud takes over after {layers} layers"})
                return
            if header.get("begin"):
                upper.open()
            if states is None:
                return
            wire.send({"token": int(upper.logits(states).argmax())})


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

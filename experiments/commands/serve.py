"""Serve a model under a controller over HTTP, by `transformers serve` with continuous batching."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from probexit.experiments.commands.base import Command, Result


class ServeCommand(Command):
    """Serve a model under a controller over HTTP, by `transformers serve`."""

    def configure(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("controller", type=Path, metavar="CONTROLLER", help="folder that `calibrate` wrote")
        add("--model", help="default: the model the controller was made for")
        add("--host", default="localhost", help="address to listen at")
        add("--port", type=int, default=8000, help="port to listen at")
        add("--num-blocks", type=int, help="blocks of the KV cache; default: what memory allows")
        add("--max-batch-tokens", type=int, help="tokens in one pass; default: by transformers")

    def run(self, args: Namespace) -> Result:
        from probexit.exits.controller import ExitController
        from probexit.exits.engines.serving import ControlledServer
        from probexit.hooks.models import place

        controller = ExitController.load(args.controller)
        name = args.model or controller.certificate.get("model")
        if not name:
            raise ValueError(f"{args.controller} does not say which model it is for: give --model")
        print(f"serving {name} at http://{args.host}:{args.port}/v1/chat/completions")
        ControlledServer(
            place(name),
            controller,
            host=args.host,
            port=args.port,
            dtype=controller.certificate.get("dtype", "auto"),
            cb_num_blocks=args.num_blocks,
            cb_max_batch_tokens=args.max_batch_tokens,
        )
        return None

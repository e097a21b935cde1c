"""Serve a model under a controller over HTTP, by `transformers serve` with continuous batching."""

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from probexit.experiments.commands.base import Command, Result
from probexit.experiments.commands.deployed import model_source
from probexit.experiments.commands.loading import add_loading

if TYPE_CHECKING:
    from probexit.hooks.models import Source


class ServeCommand(Command):
    """Serve a model under a controller over HTTP, by `transformers serve`."""

    def configure(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("controller", type=Path, metavar="CONTROLLER", help="folder that `calibrate` wrote")
        add("--model", help="default: the model the controller was made for")
        add_loading(parser)
        add("--host", default="localhost", help="address to listen at")
        add("--port", type=int, default=8000, help="port to listen at")
        add("--num-blocks", type=int, help="blocks of the KV cache; default: what memory allows")
        add("--max-batch-tokens", type=int, help="tokens in one pass; default: by transformers")

    def run(self, args: Namespace) -> Result:
        from probexit.exits.controller import ExitController
        from probexit.exits.engines.serving import ControlledServer
        from probexit.hooks.models import place

        controller = ExitController.load(args.controller)
        source = model_source(args, controller)
        print(f"serving {source.name} at http://{args.host}:{args.port}/v1/chat/completions")
        ControlledServer(
            place(source.name) + (f"@{source.revision}" if source.revision else ""),
            controller,
            host=args.host,
            port=args.port,
            cb_num_blocks=args.num_blocks,
            cb_max_batch_tokens=args.max_batch_tokens,
            **server_options(source),
        )
        return None


def server_options(source: "Source") -> dict[str, Any]:
    """Return how a model is loaded and prompted as options of ``transformers serve``.

    Raises:
        ValueError: on what its server cannot do.
    """
    from probexit.hooks.loading import QUANTIZED

    loading, template = source.loading, dict(source.template_args)
    if loading.device_map:
        raise ValueError(f"--device-map {loading.device_map}: `transformers serve` places models")
    for name in ("adapter", "gguf"):
        if getattr(loading, name):
            raise ValueError(
                f"`transformers serve` loads no {name} ({getattr(loading, name)!r}): merge it into "
                "the model, and certify a controller for that"
            )
    if loading.quantization not in ("", *QUANTIZED):
        raise ValueError(
            f"`transformers serve` quantises by {' or '.join(QUANTIZED)}, "
            f"not by {loading.quantization!r}"
        )
    found = {
        "dtype": loading.dtype,
        "attn_implementation": loading.attention or None,
        "quantization": loading.quantization or None,
        "trust_remote_code": loading.trust_remote_code,
        "chat_template_kwargs": json.dumps(template) if template else None,
    }
    return {name: value for name, value in found.items() if value is not None}

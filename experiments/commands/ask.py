"""Ask one question under a controller and watch: text, confidence at each cue, and the exit."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from probexit.experiments.commands.base import Command, Result
from probexit.experiments.commands.deployed import model_source
from probexit.experiments.commands.loading import add_loading


class AskCommand(Command):
    """Ask one question under a controller and watch: text, confidence at each cue, and the exit."""

    def configure(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("controller", type=Path, metavar="CONTROLLER", help="folder that `calibrate` wrote")
        add("question", help="what to ask, without any chat formatting")
        add("--model", help="default: the model the controller was made for")
        add("--max-new-tokens", type=int, default=2048)
        add_loading(parser)

    def run(self, args: Namespace) -> Result:
        import torch

        from probexit.exits.controller import ExitController
        from probexit.exits.engines.generate import attach
        from probexit.exits.engines.live_text import LiveText
        from probexit.hooks.models import load

        controller = ExitController.load(args.controller)
        reasoner = load(model_source(args, controller))
        ids = torch.tensor([reasoner.prompt(args.question)], device=reasoner.model.device)
        with attach(reasoner.model, reasoner.tokenizer, controller) as attached:
            written = reasoner.model.generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=args.max_new_tokens,
                do_sample=False,
                streamer=LiveText(reasoner.tokenizer, attached),
            )
        (row,) = attached.rows
        return {
            "text": reasoner.tokenizer.decode(written[0, ids.shape[1] :]),
            "scores": row.scores,
            "exit": None if row.exit is None else row.exit.thinking,
            "tokens": int(written.shape[1] - ids.shape[1]),
        }

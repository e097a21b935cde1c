"""Serve a task under a controller, audit a share of the requests, and log every decision."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from probexit.experiments.commands.base import Command


class AuditCommand(Command):
    """Serve a task under a controller, audit a share of the requests, and log every decision."""

    def configure(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("--controller", type=Path, required=True, help="folder that `calibrate` wrote")
        add("--task", required=True, help="see `probexit list tasks`")
        add("--data", type=Path, help="the task's file, where it reads one")
        add("--n", type=int, required=True, help="how many problems")
        add("--log", type=Path, required=True, help="the decision log; rerun to resume or extend")
        add("--rate", type=float, default=0.1, help="share of the requests that are audited")
        add("--seed", type=int, default=1, help="of the task, of sampling and of the choice")

    def run(self, args: Namespace) -> None:
        from itertools import islice

        from probexit.exits.controller import ExitController
        from probexit.exits.engines.decoding import Decoding
        from probexit.exits.locked import locked
        from probexit.exits.production.audit import Audit as Choice
        from probexit.exits.production.in_loop import InLoop
        from probexit.exits.production.log import DecisionLog
        from probexit.exits.production.serve import Production
        from probexit.experiments.recording.tasks.by_name import task
        from probexit.experiments.risk_control.audit import agreement, serve_items
        from probexit.hooks.models import Source, load

        if args.n < 1:
            raise ValueError(f"--n {args.n} must be at least 1")
        controller = ExitController.load(args.controller)
        promise, choice = controller.certificate, Choice(args.rate, args.seed)
        problems = task(args.task, args.data, args.seed)
        items = list(islice(problems.items(), args.n))
        name, revision = promise.get("model"), promise.get("revision", "")
        if not name:
            raise ValueError(f"{args.controller} does not say which model it is for: calibrate it")
        source = Source(
            name,
            revision,
            closing=controller.closing,
            tags=controller.tags,
            template_args=promise.get("template_args", {}),
        )
        reasoner = load(source)
        decoding = Decoding(**{**promise.get("decoding", {}), "seed": args.seed})
        with locked(args.log, "wait for it, or choose another --log"):
            production = Production(
                InLoop(reasoner.model, reasoner.tokenizer, decoding),
                controller,
                DecisionLog(args.log),
                choice,
                agreement(problems),
            )
            serve_items(production, reasoner, items)
        audits = [d for d in production.log if d.audit is not None]
        print(f"{len(items)} requests served, decisions in {args.log}, {len(audits)} audited")
        print(f"Next: probexit watch {args.log} --run RUN, or probexit recalibrate {args.log}")

"""Serve a task under a controller, audit a share of the requests, and log every decision."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from probexit.experiments.commands.base import Command, Result
from probexit.experiments.commands.deployed import add_deployed, checked_controller, model_source
from probexit.experiments.commands.tracking import add_tracking


class AuditCommand(Command):
    """Serve a task under a controller, audit a share of the requests, and log every decision."""

    def configure(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add_deployed(parser)
        add("--log", type=Path, required=True, help="the decision log; rerun to resume or extend")
        add("--rate", type=float, default=0.1, help="share of the requests that are audited")
        add("--seed", type=int, default=1, help="of the task, of sampling and of the choice")
        add_tracking(parser)

    def run(self, args: Namespace) -> Result:
        from itertools import islice

        from probexit.exits.engines.decoding import Decoding
        from probexit.exits.locked import locked
        from probexit.exits.production.audit import Audit as Choice
        from probexit.exits.production.in_loop import InLoop
        from probexit.exits.production.log import DecisionLog
        from probexit.exits.production.serve import Production
        from probexit.experiments.recording.tasks.by_name import task
        from probexit.experiments.risk_control.audit import agreement, serve_items
        from probexit.hooks.models import load

        controller = checked_controller(args)
        promise, choice = controller.certificate, Choice(args.rate, args.seed)
        problems = task(args.task, args.data, args.seed)
        items = list(islice(problems.items(), args.n))
        reasoner = load(model_source(args, controller))
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
        return {"requests": len(items), "audited": len(audits), "log": args.log}

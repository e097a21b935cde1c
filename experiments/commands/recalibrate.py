"""Certify a new threshold from the audited requests of a decision log, without gold answers."""

from argparse import ArgumentParser, Namespace
from functools import partial
from pathlib import Path

from probexit.experiments.commands.base import Command, Result


class RecalibrateCommand(Command):
    """Certify a new threshold from the audited requests of a decision log, without gold answers."""

    def configure(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("log", type=Path, metavar="LOG", help="a decision log with audited requests")
        add("--controller", type=Path, required=True, help="the controller that wrote it")
        add("--out", type=Path, required=True, help="folder of the new controller")
        add("--alpha", type=float, default=0.05, help="share that may differ from the full run")
        add(
            "--delta",
            type=float,
            help="chance that the promise fails, over all looks at the log; default: .1",
        )
        add("--calibrator", default="learn_then_test", help="see `probexit list calibrators`")

    def run(self, args: Namespace) -> Result:
        from probexit.exits.controller import ExitController
        from probexit.exits.production.digest import digest
        from probexit.exits.production.log import read
        from probexit.experiments.risk_control.calibrators import make_calibrator
        from probexit.experiments.risk_control.looks import Question, look
        from probexit.experiments.risk_control.recalibrate import (
            of_controller,
            recalibrate_look,
            recalibrated,
        )

        controller = ExitController.load(args.controller)
        decisions = of_controller(read(args.log), controller)
        calibrator = make_calibrator(args.calibrator, args.alpha, args.delta)
        question = Question(digest(controller), "inconsistent", args.alpha)
        looks = args.log.with_name(f"{args.log.name}.looks.jsonl")
        ask = partial(look, looks, question)
        certificate = recalibrate_look(decisions, controller.policy, calibrator, ask)
        recalibrated(controller, certificate, args.log.name).save(args.out)
        print(f"threshold {certificate.threshold:.4f} (was {controller.policy.threshold:.4f})")
        print(f"on {certificate.n} audited requests, {certificate.losses:g} of them unlike the")
        print(f"full run. {certificate.statement}")
        print(f"Controller written to {args.out}")
        return {**certificate.as_dict(), "controller": args.out}

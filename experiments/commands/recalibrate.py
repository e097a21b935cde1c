"""Certify a new threshold from the audited requests of a decision log, without gold answers."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from probexit.experiments.commands.base import Command


class RecalibrateCommand(Command):
    """Certify a new threshold from the audited requests of a decision log, without gold answers."""

    def configure(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("log", type=Path, metavar="LOG", help="a decision log with audited requests")
        add("--controller", type=Path, required=True, help="the controller that wrote it")
        add("--out", type=Path, required=True, help="folder of the new controller")
        add("--alpha", type=float, default=0.05, help="share that may differ from the full run")
        add("--delta", type=float, default=0.1, help="chance that the promise fails")
        add("--calibrator", default="learn_then_test", help="see `probexit list calibrators`")

    def run(self, args: Namespace) -> None:
        from probexit.exits.controller import ExitController
        from probexit.exits.production.log import read
        from probexit.experiments.registry import named
        from probexit.experiments.risk_control.recalibrate import (
            of_controller,
            recalibrate,
            recalibrated,
        )

        controller = ExitController.load(args.controller)
        decisions = of_controller(read(args.log), controller)
        make = named("probexit.calibration", args.calibrator)
        levels = {"alpha": args.alpha, "delta": args.delta}
        known = {k: v for k, v in levels.items() if k in make.__dataclass_fields__}
        certificate = recalibrate(decisions, controller.policy, make(**known))
        recalibrated(controller, certificate, args.log.name).save(args.out)
        print(f"threshold {certificate.threshold:.4f} (was {controller.policy.threshold:.4f})")
        print(f"on {certificate.n} audited requests, {certificate.losses:g} of them unlike the")
        print(f"full run. {certificate.statement}")
        print(f"Controller written to {args.out}")

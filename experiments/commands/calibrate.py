"""Certify a threshold on a run's calibration split and write the controller beside the run."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from probexit.experiments.commands.base import Command


class CalibrateCommand(Command):
    """Certify a threshold on a run's calibration split and write the controller beside the run."""

    def configure(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("run", type=Path, metavar="RUN", help="a recorded run with a fitted probe")
        add("--alpha", type=float, default=0.05, help="risk that must not be exceeded")
        add(
            "--delta", type=float, default=0.1, help="chance that the promise fails, over all looks"
        )
        add("--loss", default="lost_correct", help="see `probexit list losses`")
        add("--calibrator", default="learn_then_test", help="see `probexit list calibrators`")

    def run(self, args: Namespace) -> None:
        from probexit.exits.policies.threshold import Threshold
        from probexit.experiments.fitting.fit import load_fit, splits_of
        from probexit.experiments.recording.run import Run
        from probexit.experiments.registry import named
        from probexit.experiments.risk_control.certify import build_controller, certify_look
        from probexit.experiments.risk_control.looks import Question

        run = Run(args.run)
        fitted = load_fit(run)
        loss = named("probexit.experiments.risk_control.losses", args.loss)()
        make = named("probexit.calibration", args.calibrator)
        levels = {"alpha": args.alpha, "delta": args.delta}
        known = {k: v for k, v in levels.items() if k in make.__dataclass_fields__}
        traces = splits_of(run).calibrate
        rule = (fitted.signal, Threshold())
        asked = run.folder / "looks.jsonl", Question(fitted.probe, args.loss, args.alpha)
        certificate = certify_look(traces, rule, fitted.grid, loss, make(**known), asked)
        controller = build_controller(run, fitted.signal, certificate, {"loss": args.loss})
        controller.save(run.folder / "controller")
        print(f"threshold {certificate.threshold:.4f} on {certificate.n} calibration problems, ")
        print(f"{certificate.losses:g} of them lost ({args.loss}).")
        solved = sum(trace.correct for trace in traces)
        print(f"The full run solves {solved} of the {certificate.n}; the risk is over all of them.")
        print(certificate.statement)
        print(f"Controller written to {run.folder / 'controller'}")

"""Certify a threshold on a run's calibration split and write the controller beside the run."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from probexit.experiments.commands.base import Command, Result
from probexit.experiments.commands.promise import add_promise, loss_of
from probexit.experiments.commands.tracking import add_tracking


class CalibrateCommand(Command):
    """Certify a threshold on a run's calibration split and write the controller beside the run."""

    def configure(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("run", type=Path, metavar="RUN", help="a recorded run with a fitted probe")
        add(
            "--method",
            default="probe",
            metavar="NAME",
            help="the rule: ours, or any that is replayed and has a threshold, see `probexit list "
            "methods`; of several with commas the cheapest that can be certified, which is paid "
            "for; default: %(default)s",
        )
        add("--out", type=Path, help="the controller's folder; default: RUN/controller")
        add_promise(parser)
        add_tracking(parser)

    def run(self, args: Namespace) -> Result:
        from probexit.experiments.methods.core.deploying import Asked
        from probexit.experiments.recording.run import Run
        from probexit.experiments.risk_control.calibrators import make_calibrator
        from probexit.experiments.verbs.certify import deployed

        run, loss = Run(args.run), loss_of(args)
        alpha = 0.05 if args.alpha is None else args.alpha
        asked = Asked(make_calibrator(args.calibrator, alpha, args.delta), loss, args.loss)
        folder = args.out or run.folder / "controller"
        rule, _, name, traces = deployed(run, args.method.split(","), asked, folder)
        found = rule.certificate
        print(f"{name}: threshold {found.threshold:.4f} on {found.n} calibration problems,")
        print(f"{found.losses:g} of them lost ({args.loss}).")
        solved = sum(trace.correct for trace in traces)
        print(f"The full run solves {solved} of the {found.n}; the risk is over all of them.")
        rollouts = run.manifest.rollouts
        if rollouts > 1:
            print(f"One of the {rollouts} rollouts of each problem calibrates, the first.")
        print(found.statement)
        print(f"Controller written to {folder}")
        return {**found.as_dict(), "method": name, "controller": folder}

"""Read a decision log: how often exits agree with full runs, and whether the scores drift."""

from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from pathlib import Path

from probexit.experiments.commands.base import Command, Result


class WatchCommand(Command):
    """Read a decision log: how often exits agree with full runs, and whether the scores drift."""

    def configure(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("log", type=Path, metavar="LOG", help="a decision log, also one still being written")
        add("--run", type=Path, dest="recorded", required=True, help="the run it was calibrated on")
        add("--controller", type=Path, help="default: RUN/controller")
        add(
            "--level", type=float, default=0.05, help="chance that the alarm ever rings for nothing"
        )

    def run(self, args: Namespace) -> Result:
        from probexit.exits.controller import ExitController
        from probexit.exits.production.log import read
        from probexit.experiments.fitting.fit import splits_of
        from probexit.experiments.recording.run import Run
        from probexit.experiments.risk_control.drift_monitor import reference_scores, watch
        from probexit.experiments.risk_control.recalibrate import of_controller

        run = Run(args.recorded)
        controller = ExitController.load(args.controller or run.folder / "controller")
        decisions = of_controller(read(args.log), controller)
        reference = reference_scores(controller, splits_of(run).calibrate)
        found = watch(decisions, reference, args.level)
        print(found)
        return asdict(found)

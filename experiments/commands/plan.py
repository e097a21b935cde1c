"""Say how many problems a promise takes, what a count certifies, and what it would save."""

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from probexit.experiments.commands.base import Command, Result


class PlanCommand(Command):
    """Say how many problems a promise takes, what a count certifies, and what it would save."""

    def configure(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("--alpha", type=float, default=0.05, help="risk that must not be exceeded")
        add("--delta", type=float, default=0.1, help="chance that the promise fails")
        add("--run", type=Path, dest="pilot", help="a small run with a fitted probe, to judge from")
        add("--loss", default="lost_correct", help="see `probexit list losses`; with --run")
        add("--out", type=Path, help="write the numbers as JSON here, too")

    def run(self, args: Namespace) -> Result:
        from probexit.experiments.risk_control.sample_size import plan, with_pilot

        made = plan(args.alpha, args.delta)
        if args.pilot is not None:
            made = with_pilot(made, _pilot(args))
        print(made)
        print(f"\n{HINT}")
        if args.pilot is not None:
            print(_sizes(args.pilot))
        if args.out is not None:
            args.out.parent.mkdir(parents=True, exist_ok=True)
            args.out.write_text(json.dumps(made.as_dict(), indent=1) + "\n", encoding="utf-8")
            print(f"Written to {args.out}")
        found: dict[str, Any] = made.as_dict()
        return found


HINT = (
    "A problem loses if the rule stops it early and that costs its right answer (see --loss).\n"
    "Only problems that neither trained the probe nor test it calibrate (`record --shares`)."
)


def _sizes(folder: Path) -> str:
    """Say how much room the states of a run like this one take."""
    from probexit.experiments.recording.run import Run
    from probexit.experiments.recording.sizes import StateSizes

    run = Run(folder)
    return str(StateSizes.of(run.traces(), run.manifest.fingerprint["layers"]))


def _pilot(args: Namespace) -> Any:
    from probexit.experiments.fitting.fit import load_fit, splits_of
    from probexit.experiments.recording.run import Run
    from probexit.experiments.registry import named
    from probexit.experiments.risk_control.sample_size import pilot_of

    run = Run(args.pilot)
    loss = named("probexit.experiments.risk_control.losses", args.loss)()
    return pilot_of(splits_of(run), load_fit(run), loss)

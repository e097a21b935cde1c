"""Compare every exit rule on a run's test problems, at equal risk and with error bars."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from probexit.experiments.commands.base import Command, numbers


class Compare(Command):
    """Compare every exit rule on a run's test problems, at equal risk and with error bars."""

    def configure(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("run", type=Path, metavar="RUN", help="a recorded run with a fitted probe")
        add("--alphas", default=".02,.05,.1", help="risks of our rule; the middle one is common")

    def run(self, args: Namespace) -> None:
        from probexit.experiments.comparing import compare_run
        from probexit.experiments.recording.run import Run

        compared = compare_run(Run(args.run), numbers(args.alphas))
        folder = compared.write()
        print(compared.comparison.text())
        print(f"\nTable written to {args.run / 'compare.json'}, figures to {folder}")

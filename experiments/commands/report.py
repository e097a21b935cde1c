"""Write one page on a run: what was recorded, the table, the figures, painted traces."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from probexit.experiments.commands.base import Command, numbers


class Report(Command):
    """Write one page on a run: what was recorded, the table, the figures, painted traces."""

    def configure(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("run", type=Path, metavar="RUN", help="a recorded run with a fitted probe")
        add("--alphas", default=".02,.05,.1", help="as for `probexit compare`")

    def run(self, args: Namespace) -> None:
        from probexit.experiments.comparing import compare_run, report_on
        from probexit.experiments.recording.run import Run

        compared = compare_run(Run(args.run), numbers(args.alphas))
        compared.write()
        print(f"Report written to {report_on(compared)}")

"""Write one page on a run: what was recorded, the table, the figures, painted traces."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from probexit.experiments.commands.base import Command, Result
from probexit.experiments.commands.compare import add_choice, levels


class ReportCommand(Command):
    """Write one page on a run: what was recorded, the table, the figures, painted traces."""

    def configure(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("run", type=Path, metavar="RUN", help="a recorded run with a fitted probe")
        add_choice(parser)

    def run(self, args: Namespace) -> Result:
        from probexit.experiments.evaluation.choice import chosen
        from probexit.experiments.evaluation.run_comparison import compare_run, report_on
        from probexit.experiments.recording.run import Run

        compared = compare_run(Run(args.run), levels(args), chosen(args.methods))
        compared.write()
        page = report_on(compared)
        print(f"Report written to {page}")
        return {"report": page}

"""Everything at once on the shipped reasoner: record, fit, calibrate, compare, report, run live."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path

from probexit.experiments.commands.base import Command, Result

LIVE_SEED = 1  # problems that the recording, of seed 0, has not seen


class DemoCommand(Command):
    """Everything at once on the shipped reasoner: record, fit, calibrate, compare, report, live."""

    def configure(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("--out", type=Path, default=Path("demo"), help="the run folder; rerun to resume")
        add("--n", type=int, default=2000, help="problems: 40 %% fit, 30 %% calibrate, 30 %% test")
        add("--model", default="shipped")
        add("--live", type=int, default=6, help="problems run live at the end")

    def run(self, args: Namespace) -> Result:
        from probexit.experiments.commands.cli import main

        run = str(args.out)
        sized = ("--n", str(args.n), "--out", run)
        steps: list[tuple[str, list[str]]] = [
            (
                "Record: the model thinks through every problem; at each cue its hidden states are "
                "kept and an answer is forced.",
                ["record", "--task", "arith", "--model", args.model, *sized],
            ),
            ("Fit: a probe learns to tell right stops from wrong ones.", ["fit", run]),
            (
                "Calibrate: a threshold that loses at most 5 % of the right answers.",
                ["calibrate", run],
            ),
            ("Compare: every rule on the test problems.", ["compare", run]),
            ("Report: one page with all of it.", ["report", run]),
        ]
        for number, (title, command) in enumerate(steps, 1):
            print(f"\n[{number}/{len(steps) + 1}] {title}\n    probexit {' '.join(command)}\n")
            if main(command):
                raise ValueError(f"`probexit {' '.join(command)}` failed")
        print(f"\n[{len(steps) + 1}/{len(steps) + 1}] Live: new problems, one at a time.\n")
        self._live(args.out, args.live, print)
        return {"run": args.out, "report": args.out / "report.html"}

    def _live(self, folder: Path, n: int, say: Callable[[str], None]) -> None:
        from itertools import islice

        from probexit.exits.controller import ExitController
        from probexit.exits.engines.decoding import Decoding
        from probexit.experiments.evaluation.live_run import Live
        from probexit.experiments.evaluation.run_comparison import source_of
        from probexit.experiments.evaluation.side_by_side import show, side_by_side
        from probexit.experiments.recording.run import Run
        from probexit.experiments.recording.tasks.by_name import task

        run = Run(folder)
        reasoner = source_of(run)
        problems = task(run.manifest.task, seed=LIVE_SEED)
        controller = ExitController.load(folder / "controller")
        decoding = Decoding(**run.manifest.decoding)
        full = Live(reasoner, problems, None, decoding)
        short = Live(reasoner, problems, controller, decoding)
        say(show(side_by_side(full, short, list(islice(problems.items(), n)))))
        say(f"\nOpen {folder / 'report.html'} for the figures.")

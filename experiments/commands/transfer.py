"""Apply a run's probe and certified threshold unchanged to other runs: is the promise kept?"""

from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from pathlib import Path

from probexit.experiments.commands.base import Command, Result


class TransferCommand(Command):
    """Apply a run's probe and certified threshold unchanged to other runs: is the promise kept?"""

    def configure(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("origin", type=Path, metavar="FROM", help="a recorded run with a fitted probe")
        add(
            "targets",
            type=Path,
            nargs="+",
            metavar="TO",
            help="runs of the same model: other tasks, harder problems, other temperatures",
        )
        add("--alpha", type=float, default=0.05, help="the certified risk")
        add(
            "--recalibrate",
            type=int,
            default=100,
            metavar="N",
            help="problems of each TO on which the threshold is then chosen anew; 0: none",
        )

    def run(self, args: Namespace) -> Result:
        from probexit.exits.terminal import width
        from probexit.experiments.evaluation.figures import transfer as figure
        from probexit.experiments.evaluation.figures.style import png
        from probexit.experiments.evaluation.render.transfer import as_csv, as_json, as_text
        from probexit.experiments.evaluation.transfer import (
            home_of,
            home_target,
            target_of,
            transfer,
        )
        from probexit.experiments.recording.run import Run

        if not 0 < args.alpha < 1:
            raise ValueError(f"a risk of {args.alpha:g} is not between 0 and 1: use such as .05")
        if args.recalibrate < 0:
            raise ValueError(f"--recalibrate {args.recalibrate}: give 0 or more problems")
        origin = Run(args.origin)
        home = home_of(origin, args.alpha)
        targets = [target_of(home, origin, Run(folder)) for folder in args.targets]
        rows = transfer(home, [home_target(home, origin)], recalibrate=0)
        rows += transfer(home, targets, args.recalibrate)
        folder = origin.folder / "transfer"
        folder.mkdir(exist_ok=True)
        (folder / "transfer.txt").write_text(as_text(rows), encoding="utf-8")
        (folder / "transfer.csv").write_text(as_csv(rows), encoding="utf-8")
        (folder / "transfer.json").write_text(as_json(rows), encoding="utf-8")
        (folder / "transfer.png").write_bytes(png(figure.draw(rows, args.alpha)))
        print(as_text(rows, width()))
        print(f"Table and figure written to {folder}")
        return [asdict(row) for row in rows]

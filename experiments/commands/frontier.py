"""Draw accuracy against tokens for every exit rule over its whole grid of thresholds."""

from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from pathlib import Path

from probexit.experiments.commands.base import Command, Result
from probexit.experiments.commands.compare import add_choice, levels


class FrontierCommand(Command):
    """Draw accuracy against tokens for every exit rule over its whole grid of thresholds."""

    def configure(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "run", type=Path, metavar="RUN", help="a recorded run with a fitted probe"
        )
        add_choice(parser, "replayed")

    def run(self, args: Namespace) -> Result:
        from probexit.experiments.evaluation.choice import chosen
        from probexit.experiments.evaluation.compare import compare
        from probexit.experiments.evaluation.figures import families
        from probexit.experiments.evaluation.figures.style import png
        from probexit.experiments.evaluation.frontier import as_csv, as_json, places
        from probexit.experiments.evaluation.run_comparison import context_of
        from probexit.experiments.recording.run import Run

        run, methods = Run(args.run), chosen(args.methods)
        comparison = compare(context_of(run, levels(args), methods), methods)
        folder = run.folder / "frontier"
        folder.mkdir(exist_ok=True)
        found = places(comparison)
        (folder / "frontier.csv").write_text(as_csv(found), encoding="utf-8")
        (folder / "frontier.json").write_text(as_json(found), encoding="utf-8")
        (folder / "frontier.png").write_bytes(png(families.draw(comparison, "total")))
        (folder / "thinking.png").write_bytes(png(families.draw(comparison, "thinking")))
        for title, why in comparison.skipped.items():
            print(f"{title}: left out, since {why}")
        print(f"{len(comparison.curves)} curves and {len(comparison.rows)} operating points, with")
        print("95 % intervals over problems. frontier.png counts all tokens that a rule pays for,")
        print("its probing and the answer too; thinking.png the thinking alone; the CSV and the")
        print(f"JSON hold both. Written to {folder}")
        return [asdict(place) for place in found]

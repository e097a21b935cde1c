"""Write the page on all exit rules, in Markdown, from the comparisons of several runs."""

import shutil
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from probexit.experiments.commands.base import Command, Result

if TYPE_CHECKING:
    from probexit.experiments.evaluation.render.page import Chapter

FIGURE = "frontier.png"


class PageCommand(Command):
    """Write the page on all exit rules, in Markdown, from the comparisons of several runs."""

    def configure(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("runs", type=Path, nargs="+", metavar="RUN", help="runs with a `compare.json`")
        add(
            "--out",
            type=Path,
            default=Path("docs/methods.md"),
            help="the page; figures of `probexit frontier` are copied beside it, and all that lie "
            "in figures/ under a run's name are shown (default: docs/methods.md)",
        )
        add(
            "--depth",
            type=Path,
            nargs="*",
            default=[],
            metavar="DIR",
            help="folders of `probexit depth compare`, and of `depth adapt`: a part on layer exits",
        )

    def run(self, args: Namespace) -> Result:
        from probexit.experiments.depth.described import layers_of
        from probexit.experiments.evaluation.choice import all_methods
        from probexit.experiments.evaluation.render.page import page

        chapters = [_chapter(folder, args.out.parent) for folder in args.runs]
        names = " ".join(chapter.name for chapter in chapters)
        depth = "".join(f" {folder.name}" for folder in args.depth)
        made_by = f"probexit page {names}{f' --depth{depth}' if depth else ''}"
        command = f"{made_by} --out {args.out.name}"
        text = page(chapters, all_methods(), command, layers_of(args.depth))
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(text, encoding="utf-8")
        print(f"Page written to {args.out}")
        return {"page": args.out}


def _chapter(folder: Path, beside: Path) -> "Chapter":
    from probexit.experiments.evaluation.read import read_comparison
    from probexit.experiments.evaluation.render.page import Chapter
    from probexit.experiments.evaluation.transfer import setting_of
    from probexit.experiments.recording.run import Run

    run, name = Run(folder), folder.resolve().name
    setting = f"{run.manifest.model}, {setting_of(run.manifest)}, cues: {run.manifest.cues}"
    comparison = read_comparison(folder)
    if (folder / "frontier" / FIGURE).is_file():
        (beside / "figures").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / "frontier" / FIGURE, beside / "figures" / f"{name}-{FIGURE}")
    figures = sorted((beside / "figures").glob(f"{name}-*.png"))
    return Chapter(name, setting, comparison, [f"figures/{file.name}" for file in figures])

"""The page of the command line, from what ``--help`` says; written before each build."""

import os
from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Iterator

from sphinx.application import Sphinx

HEAD = "# The command line\n\nWhat `probexit COMMAND --help` says.\n"


def parsers(parser: ArgumentParser) -> Iterator[ArgumentParser]:
    """Yield the parsers of all commands, and of their steps, in the order of the help."""
    for action in parser._actions:
        if isinstance(action, _SubParsersAction):
            for inner in action.choices.values():
                yield inner
                yield from parsers(inner)


def write(app: Sphinx) -> None:
    """Write ``commands.md`` beside the other pages."""
    from probexit.experiments.commands.cli import build_parser

    os.environ["COLUMNS"] = "96"  # as wide as the page's column
    found = [f"## {p.prog}\n\n```text\n{p.format_help()}```\n" for p in parsers(build_parser())]
    (app.srcdir / "commands.md").write_text("\n".join([HEAD, *found]), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

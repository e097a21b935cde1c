"""Print a script that completes commands, options and files in a shell."""

from argparse import Action, ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from probexit.experiments.commands.base import Command, Result

SHELLS = ("bash", "zsh", "tcsh")


class CompletionCommand(Command):
    """Print a script that completes commands, options and files in a shell."""

    def configure(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "shell",
            choices=SHELLS,
            help="bash: `source <(probexit completion bash)`; zsh: write it to _probexit in a "
            "folder of $fpath; tcsh: `eval` it",
        )

    def run(self, args: Namespace) -> Result:
        import shtab

        from probexit.experiments.commands.cli import build_parser

        parser = build_parser()
        for action in actions(parser):
            if action.type is Path:
                completed: Any = action
                completed.complete = shtab.FILE
        script = shtab.complete(parser, args.shell)
        print(script)
        return {"shell": args.shell, "script": script}


def actions(parser: ArgumentParser) -> Iterator[Action]:
    """Yield the arguments of a parser and of all commands below it."""
    for action in parser._actions:
        yield action
        for inner in (action.choices or {}).values() if isinstance(action.choices, dict) else ():
            yield from actions(inner)

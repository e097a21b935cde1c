"""The command line: finds the commands, runs one, turns errors into one line and exit code 2."""

import json
import os
import re
import sys
from argparse import (
    SUPPRESS,
    Action,
    ArgumentParser,
    HelpFormatter,
    RawDescriptionHelpFormatter,
    _SubParsersAction,
)
from collections.abc import Sequence
from contextlib import nullcontext, redirect_stdout
from difflib import get_close_matches
from typing import Any, NoReturn

from safetensors import SafetensorError

from probexit import __version__
from probexit.experiments.commands import progress
from probexit.experiments.commands.base import Refused, Result
from probexit.experiments.commands.tracking import tracking
from probexit.experiments.registry import members
from probexit.probes.artefacts.strict_json import plain

# Threads that wait for each other by spinning turn seconds into minutes; before torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
progress.settle()

COMMANDS = "probexit.experiments.commands"
ORDER = (
    *("demo", "check", "record", "fit", "calibrate", "compare", "frontier", "transfer"),
    *(
        "report",
        "page",
        "validate",
        "plan",
        "run",
        "ask",
        "serve",
        "audit",
        "watch",
        "recalibrate",
        "list",
        "completion",
    ),
)
INTERRUPTED = 130

DESCRIPTION = """\
Stop a reasoning model when its hidden states say so, with a promise that can be checked.

  probexit record    --task arith --n 2000 --out runs/arith   run the model, keep what matters
  probexit fit       runs/arith                               train a probe
  probexit calibrate runs/arith --alpha .05                   certify a threshold
  probexit compare   runs/arith                               every rule at equal risk
  probexit report    runs/arith                               one page with figures
  probexit run       --controller runs/arith/controller --task arith --n 100 --out live
"""


class Parser(ArgumentParser):
    """Suggests the command or the option that was meant."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse as ever; an option that is unknown is told before those that are missing."""
        if self not in _leaves(self):
            return super().parse_known_args(args, namespace)
        for word in args:
            option = word.partition("=")[0]
            if word == "--":
                break
            if word.startswith("--") and " " not in word and not self._knows(option):
                near = get_close_matches(option, self._option_string_actions, 1)
                self.error(f"unknown option {option!r}{_meant(near)}; --help lists all")
        return super().parse_known_args(args, namespace)

    def _knows(self, option: str) -> bool:
        return any(known.startswith(option) for known in self._option_string_actions)

    def error(self, message: str) -> NoReturn:
        """Exit with 2 and a sentence."""
        found = re.search(r"invalid choice: '?([^']*?)'? \(choose from (.*)\)", message)
        if found:
            known = re.findall(r"[\w-]+", found[2])
            meant = _meant(get_close_matches(found[1], known, 1))
            message = f"unknown {found[1]!r}{meant}: choose one of {', '.join(known)}"
        super().error(message)


def _meant(near: Sequence[str]) -> str:
    return f" (did you mean {near[0]!r}?)" if near else ""


class Defaults(HelpFormatter):
    """Names the default of each option whose help does not."""

    def _get_help_string(self, action: Action) -> str | None:
        text = action.help or ""
        silent = action.default in (None, SUPPRESS, False, "", [], ()) or not action.option_strings
        return text if silent or "default" in text else f"{text} (default: %(default)s)"


def build_parser() -> ArgumentParser:
    """Assemble the parser from the commands that are found."""
    parser = Parser(
        "probexit", description=DESCRIPTION, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=__version__)
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    found = members(COMMANDS)
    known = [name for name in ORDER if name in found]
    for name in known + sorted(set(found) - set(known)):
        command = found[name]()
        help_text = (command.__doc__ or "").strip().splitlines()[0]
        subparser = subparsers.add_parser(
            name, help=help_text, description=help_text, formatter_class=Defaults
        )
        command.configure(subparser)
        for leaf in _leaves(subparser):
            leaf.formatter_class = Defaults
            leaf.add_argument(
                "--json",
                action="store_true",
                help="print the result as JSON; the rest goes to stderr",
            )
        subparser.set_defaults(run_command=command.run)
    return parser


def _leaves(parser: ArgumentParser) -> list[ArgumentParser]:
    """Return the parsers of a command's steps, or its own if it has none."""
    steps = [action.choices for action in parser._actions if isinstance(action, _SubParsersAction)]
    return [leaf for choices in steps for leaf in choices.values()] or [parser]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; return the exit code."""
    args = build_parser().parse_args(argv)
    try:
        with redirect_stdout(sys.stderr) if args.json else nullcontext(), tracking(args):
            result = args.run_command(args)
        if args.json:
            _print_json(result)
    except (ValueError, OSError, SafetensorError) as error:
        message = " ".join(str(error).split()) or type(error).__name__
        print(f"probexit {args.command}: {message}", file=sys.stderr)
        if args.json and isinstance(error, Refused):
            _print_json(error.result)
        return 2
    except KeyboardInterrupt:
        print("\ninterrupted; run the same command again to resume", file=sys.stderr)
        return INTERRUPTED
    return 0


def _print_json(result: Result) -> None:
    print(json.dumps(plain(result), indent=1, allow_nan=False))


if __name__ == "__main__":
    sys.exit(main())

"""The command line: finds the commands, runs one, turns errors into one line and exit code 2."""

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence

from safetensors import SafetensorError

from probexit import __version__
from probexit.experiments.registry import members

COMMANDS = "probexit.experiments.commands"
ORDER = (
    *("demo", "check", "record", "fit", "calibrate", "compare", "frontier", "transfer"),
    *("report", "page", "validate", "plan", "run", "audit", "watch", "recalibrate", "list"),
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


def build_parser() -> ArgumentParser:
    """Assemble the parser from the commands that are found."""
    parser = ArgumentParser(
        "probexit", description=DESCRIPTION, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=__version__)
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    found = members(COMMANDS)
    known = [name for name in ORDER if name in found]
    for name in known + sorted(set(found) - set(known)):
        command = found[name]()
        help_text = (command.__doc__ or "").strip().splitlines()[0]
        subparser = subparsers.add_parser(name, help=help_text, description=help_text)
        command.configure(subparser)
        subparser.set_defaults(run_command=command.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; return the exit code."""
    args = build_parser().parse_args(argv)
    try:
        args.run_command(args)
    except (ValueError, OSError, SafetensorError) as error:
        message = " ".join(str(error).split()) or type(error).__name__
        print(f"probexit {args.command}: {message}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ninterrupted; run the same command again to resume", file=sys.stderr)
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())

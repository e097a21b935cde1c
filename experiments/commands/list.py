"""List what there is to choose from: methods, probes, cues, calibrators, tasks and more."""

from argparse import ArgumentParser, Namespace

from probexit.experiments.commands.base import Command

FAMILIES = {
    "methods": "probexit.experiments.methods",
    "cues": "probexit.hooks.cues",
    "probes": "probexit.probes",
    "signals": "probexit.exits.signals",
    "policies": "probexit.exits.policies",
    "calibrators": "probexit.calibration",
    "losses": "probexit.experiments.losses",
    "tasks": "probexit.experiments.tasks",
}


class List(Command):
    """List what there is to choose from: methods, probes, cues, calibrators, tasks and more."""

    def configure(self, parser: ArgumentParser) -> None:
        parser.add_argument("family", nargs="?", help=f"one of {', '.join(FAMILIES)}; default: all")

    def run(self, args: Namespace) -> None:
        from probexit.experiments.find import members

        if args.family is not None and args.family not in FAMILIES:
            raise ValueError(f"unknown family {args.family!r}: choose one of {', '.join(FAMILIES)}")
        for family in [args.family] if args.family else FAMILIES:
            print(family)
            for name, member in members(FAMILIES[family]).items():
                print(f"  {name:<22}{_summary(member)}")
            print()


def _summary(member: type) -> str:
    """Return the first line of the member's module docstring: what it is for."""
    import sys

    text = sys.modules[member.__module__].__doc__ or ""
    return text.strip().splitlines()[0] if text.strip() else ""

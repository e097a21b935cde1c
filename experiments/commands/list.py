"""List what there is to choose from: methods, probes, cues, calibrators, tasks and more."""

from argparse import ArgumentParser, Namespace

from probexit.experiments.commands.base import Command, Result

FAMILIES = {
    "methods": "probexit.experiments.methods",
    "cues": "probexit.hooks.cues",
    "probes": "probexit.probes",
    "sequence-probes": "probexit.probes.sequence",
    "signals": "probexit.exits.signals",
    "policies": "probexit.exits.policies",
    "verifiers": "probexit.exits.verifiers",
    "interventions": "probexit.exits.interventions",
    "sample-rules": "probexit.exits.samples",
    "two-models": "probexit.exits.engines.two_models",
    "calibrators": "probexit.calibration",
    "per-cue-calibrators": "probexit.calibration.per_cue",
    "score-scalings": "probexit.calibration.scaling",
    "losses": "probexit.experiments.risk_control.losses",
    "tasks": "probexit.experiments.recording.tasks",
    "graders": "probexit.experiments.recording.grading",
    "rollout-engines": "probexit.experiments.recording.engines",
    "model-checks": "probexit.experiments.recording.checks",
    "benchmarks": "probexit.experiments.bench",
    "layer-deciders": "probexit.exits.depth.deciders",
    "layer-heads": "probexit.exits.depth.heads",
    "layer-modes": "probexit.exits.depth.modes",
    "layer-caches": "probexit.exits.depth.kv",
}


class ListCommand(Command):
    """List what there is to choose from: methods, probes, cues, calibrators, tasks and more."""

    def configure(self, parser: ArgumentParser) -> None:
        parser.add_argument("family", nargs="?", help=f"one of {', '.join(FAMILIES)}; default: all")

    def run(self, args: Namespace) -> Result:
        if args.family is not None and args.family not in FAMILIES:
            raise ValueError(f"unknown family {args.family!r}: choose one of {', '.join(FAMILIES)}")
        for family in [args.family] if args.family else FAMILIES:
            print(family)
            print(_methods() if family == "methods" else _members(family))
            print()
        wanted = [args.family] if args.family else FAMILIES
        return {family: _named(family) for family in wanted} if args.json else None


def _named(family: str) -> dict[str, str]:
    from probexit.experiments.registry import members

    return {name: _summary(member) for name, member in members(FAMILIES[family]).items()}


def _methods() -> str:
    from probexit.experiments.evaluation.choice import all_methods
    from probexit.experiments.evaluation.render.listing import as_list

    return as_list(all_methods())


def _members(family: str) -> str:
    from probexit.experiments.registry import members

    found = members(FAMILIES[family]).items()
    return "\n".join(f"  {name:<22}{_summary(member)}" for name, member in found)


def _summary(member: type) -> str:
    """Return the first line of the member's module docstring: what it is for."""
    import sys

    text = sys.modules[member.__module__].__doc__ or ""
    return text.strip().splitlines()[0] if text.strip() else ""

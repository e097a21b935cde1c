"""List what there is to choose from: methods, probes, cues, calibrators, tasks and more."""

from argparse import ArgumentParser, Namespace

from probexit.experiments.commands.base import Command, Result
from probexit.experiments.commands.catalogue import catalogue, values_of
from probexit.experiments.commands.source_classes import SourceClass, first_line
from probexit.experiments.evaluation.render.listing import Described, as_list

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
    "trackers": "probexit.exits.trackers",
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
    return {name: first_line(cls.module) for name, cls in catalogue(FAMILIES[family]).items()}


def _members(family: str) -> str:
    return "\n".join(f"  {name:<22}{line}" for name, line in _named(family).items())


def _methods() -> str:
    order = values_of(f"{FAMILIES['methods']}.core.base", "MethodFamily")
    found = {name: _described(cls) for name, cls in catalogue(FAMILIES["methods"]).items()}
    return as_list(dict(sorted(found.items(), key=lambda m: (order.index(m[1].family), m[0]))))


def _described(method: SourceClass) -> Described:
    def said(field: str) -> str:
        return str(method.constant(field))

    return Described(
        said("family"),
        said("reads"),
        said("cost"),
        said("training"),
        said("guarantee"),
        said("source"),
        bool(method.constant("replayed")),
    )

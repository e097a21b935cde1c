"""``probexit depth compare``: fit, certify and measure published rules in one table."""

import json
from argparse import Namespace
from dataclasses import replace
from typing import Any

from probexit.exits.depth.tuning.adapt import Feedback
from probexit.experiments.depth import compare as comparing
from probexit.experiments.depth.figures import agreement_against_depth, exit_histogram
from probexit.experiments.depth.prepare import SOURCES, Workshop
from probexit.experiments.depth.presets import PRESETS
from probexit.experiments.depth.steps.arguments import names_of, workshop_of
from probexit.hooks.layers import n_layers


def compare(args: Namespace) -> dict[str, Any]:
    """Fit, certify and measure presets in one run; write table and figures to ``args.out``."""
    names = list(SOURCES) if args.presets is None else names_of(args.presets)
    workshop = workshop_of(args)
    if args.prepare:
        promised = {name: workshop.prepared(name).guarantee for name in names}
        for name, guarantee in promised.items():
            print(f"{name}: {guarantee}")
        return promised
    rows, done = comparing.compare(workshop, names)
    depth = n_layers(workshop.bench.reasoner.model)
    table = comparing.as_table(rows, depth)
    (args.out / "comparison.md").write_text(table + "\n", encoding="utf-8")
    rows_json = json.dumps(comparing.as_json(rows), indent=1)
    (args.out / "comparison.json").write_text(rows_json + "\n", encoding="utf-8")
    for name in names:
        if name in done and (done[name].trace.steps or done[name].trace.rounds):
            exit_histogram(done[name].trace, depth).savefig(args.out / f"exits_{name}.png")
    curves = _curves(workshop, names)
    if curves:
        agreement_against_depth(curves).savefig(args.out / "agreement.png")
    print(table)
    return {"rows": comparing.as_json(rows)}


def _curves(workshop: Workshop, names: list[str]) -> dict[str, Feedback]:
    """Return what lossy presets say of the texts that were kept for thresholds."""
    rules = {}
    for name in names:
        made = workshop.prepared(name).controller
        if name in PRESETS and made is not None and not made.mode.lossless:
            _, found = workshop.head(PRESETS[name])
            _, others = found.split(2 / 3)
            whole = Feedback.recorded(replace(made.rule, layers=found.layers), others)
            rules[name] = whole.only(made.rule.layers)
    return rules

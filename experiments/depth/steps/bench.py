"""``probexit depth bench``: measure the speed of rules, and check losslessness."""

import json
from argparse import Namespace
from typing import Any

from probexit.experiments.depth.figures import exit_histogram
from probexit.experiments.depth.speedup import bill
from probexit.experiments.depth.steps.arguments import names_of, workshop_of
from probexit.experiments.depth.steps.painting import paint
from probexit.hooks.layers import n_layers


def bench(args: Namespace) -> dict[str, Any]:
    """Measure both promises, and check losslessness token for token."""
    names = names_of(args.presets)
    workshop = workshop_of(args)
    made, done = bill(workshop, names, args.check)
    (args.out / "bench.json").write_text(json.dumps(made.as_json(), indent=1) + "\n")
    (args.out / "bench.txt").write_text(f"{made}\n", encoding="utf-8")
    depth = n_layers(workshop.bench.reasoner.model)
    for name in names:
        exit_histogram(done[name].trace, depth).savefig(args.out / f"exits_{name}.png")
        controller = workshop.prepared(name).controller
        if controller is not None:
            heat = args.out / f"heat_map_{name}.html"
            paint(workshop.bench, controller, workshop.test[0], heat)
    print(made)
    return made.as_json()

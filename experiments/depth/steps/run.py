"""``probexit depth run``: run a controller on new problems beside the full model."""

import json
from argparse import Namespace
from dataclasses import asdict
from typing import Any

from probexit.experiments.depth.figures import exit_histogram
from probexit.experiments.depth.folder import load_fitted
from probexit.experiments.depth.run import DepthOutcome
from probexit.experiments.depth.run import run as run_beside
from probexit.experiments.depth.steps.painting import paint
from probexit.hooks.layers import n_layers


def run(args: Namespace) -> dict[str, Any]:
    """Run the controller in ``args.folder`` on new problems beside the full model."""
    fitted, controller = load_fitted(args.folder)
    bench = fitted.bench()
    items = bench.items(fitted.used, args.n)
    outcome, done = run_beside(bench, controller, items)
    depth = n_layers(bench.reasoner.model)
    print(_summary(outcome, depth))
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "outcome.json").write_text(json.dumps(asdict(outcome), indent=1) + "\n")
    exit_histogram(done["run"].trace, depth).savefig(args.out / "exits.png")
    paint(bench, controller, items[0], args.out / "heat_map.html")
    print(f"Written to {args.out}")
    return asdict(outcome)


def _summary(outcome: DepthOutcome, depth: int) -> str:
    return "\n".join(
        [
            f"layers run per token  {outcome.depth:.2f} of {depth}",
            f"same text             {outcome.same_text:.1%}",
            f"same answer           {outcome.same_answer:.1%}",
            f"answers right         {outcome.accuracy:.1%}",
            f"by the full model     {outcome.full_accuracy:.1%}",
            f"speed                 {outcome.speed} x the full model, same loop, batch 1",
            f"                      {outcome.against_generate} x model.generate",
        ]
    )

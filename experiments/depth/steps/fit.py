"""``probexit depth fit``: train a preset's head and decider."""

from argparse import Namespace
from typing import Any

from probexit.exits.depth.controller import DepthController
from probexit.exits.depth.tuning.distil import Distillation
from probexit.exits.fingerprint import Fingerprint
from probexit.experiments.depth.cost import measure
from probexit.experiments.depth.drafts import DRAFTS
from probexit.experiments.depth.fit import (
    drafting,
    examples,
    fit_head,
    fit_rule,
    lossy,
    per_text,
    write_texts,
)
from probexit.experiments.depth.folder import FittedRule, fitted_hash
from probexit.experiments.depth.presets import PRESETS
from probexit.experiments.depth.steps.arguments import bench_of, layers_of, names_of
from probexit.hooks.layers import n_layers


def fit(args: Namespace) -> dict[str, Any]:
    """Train a preset's head and decider; write the controller to ``args.out``.

    Raises:
        ValueError: on a preset that has no rule to be fitted alone.
    """
    (name,) = names_of(args.preset)
    if name in DRAFTS:
        raise ValueError(
            f"{name} is made for a comparison: `probexit depth compare --presets {name}` keeps its "
            f"controller in OUT/rules/{name}"
        )
    preset, bench = PRESETS[name], bench_of(args)
    model = bench.reasoner.model
    layers = layers_of(args.layers, n_layers(model))
    texts, head = write_texts(bench, args.n), preset.head()
    fit_head(model, head, layers, texts, Distillation(steps=args.steps))
    found = examples(model, head, layers, texts)
    rule, others = fit_rule(preset.decider(), head, found)
    cost = measure(bench, bench.prompts(bench.items(0, 3)))
    thresholds: list[float] = []
    mode = preset.mode
    if mode.lossless:
        rule, plan = drafting(rule, others, cost)
        mode = mode.with_drafts(plan.drafts)
    elif mode.whole_texts:
        thresholds = per_text(model, rule, texts)
    else:
        rule, thresholds = lossy(rule, others, cost)
    fitted = FittedRule(
        model=args.model,
        task=args.task,
        data=str(args.data) if args.data else None,
        seed=args.seed,
        used=args.n,
        thresholds=tuple(thresholds),
        max_new_tokens=args.max_new_tokens,
        rule=fitted_hash(rule),
    )
    fitted.save(args.out)
    DepthController(rule, mode, Fingerprint.of(model)).save(args.out)
    settled = dict(zip(layers, found.agreement().float().mean(0).tolist(), strict=True))
    for layer, share in settled.items():
        chosen = ", an exit" if layer in rule.layers else ""
        print(f"layer {layer}: {share:.1%} of tokens are the full model's already{chosen}")
    print(f"Controller written to {args.out}")
    return {"controller": args.out, "exits": rule.layers, "settled": settled}

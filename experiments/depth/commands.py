"""The steps of ``probexit depth``: fit a rule, certify it, run it, compare published ones."""

import json
from argparse import Namespace
from dataclasses import asdict, replace

from probexit.calibration.learn_then_test import LearnThenTest
from probexit.exits.depth.controller import DepthController
from probexit.exits.depth.distil import Distillation
from probexit.exits.fingerprint import Fingerprint
from probexit.experiments.depth.bench import Bench
from probexit.experiments.depth.calibrate import calibrate as certify
from probexit.experiments.depth.compare import Comparison, Plan, as_json, as_table
from probexit.experiments.depth.figures import exit_histogram, heat_map
from probexit.experiments.depth.fit import (
    drafting,
    examples,
    fit_head,
    fit_rule,
    lossy_thresholds,
    write_texts,
)
from probexit.experiments.depth.folder import Fitted
from probexit.experiments.depth.presets import PRESETS, Preset
from probexit.experiments.depth.run import Outcome, judge, write
from probexit.experiments.find import task
from probexit.experiments.models import Source, load
from probexit.hooks.layers import n_layers


def fit(args: Namespace) -> None:
    """Train a preset's head and decider; write the controller to ``args.out``."""
    preset, bench = _preset(args.preset), _bench(args)
    model = bench.reasoner.model
    layers = _layers(args.layers, n_layers(model))
    texts, head = write_texts(bench, args.n), preset.head()
    fit_head(model, head, layers, texts, Distillation(steps=args.steps))
    found = examples(model, head, layers, texts)
    rule, others = fit_rule(preset.decider(), head, found)
    thresholds: list[float] = []
    if preset.mode.lossless:
        rule = drafting(rule, others)
    else:
        thresholds = lossy_thresholds(rule, others)
    DepthController(rule, preset.mode, Fingerprint.of(model)).save(args.out)
    fitted = Fitted(
        model=args.model,
        task=args.task,
        data=str(args.data) if args.data else None,
        seed=args.seed,
        used=args.n,
        thresholds=tuple(thresholds),
        max_new_tokens=args.max_new_tokens,
    )
    fitted.save(args.out)
    agreement = found.agreement().float().mean(0).tolist()
    for layer, share in zip(layers, agreement, strict=True):
        print(f"layer {layer}: {share:.1%} of tokens are the full model's already")
    print(f"Controller written to {args.out}")


def calibrate(args: Namespace) -> None:
    """Certify the threshold of the controller in ``args.folder``, and write it back."""
    fitted, controller = Fitted.load(args.folder), DepthController.load(args.folder)
    if controller.mode.lossless:
        raise ValueError(f"{args.folder} is lossless: there is no risk to certify")
    bench = fitted.bench()
    prompts = bench.prompts(bench.items(fitted.used, args.n))
    certified, certificate = certify(
        bench,
        controller,
        fitted.thresholds,
        prompts,
        LearnThenTest(alpha=args.alpha, delta=args.delta),
        batch=args.n if controller.mode.batched else 1,
    )
    certified.save(args.folder)
    replace(fitted, used=fitted.used + args.n).save(args.folder)
    print(f"threshold {certificate.threshold:.4f} on {certificate.n} problems,")
    print(f"{certificate.losses:g} of them with another answer than the full model's.")
    print(certificate.statement)


def run(args: Namespace) -> None:
    """Run the controller in ``args.folder`` on new problems beside the full model."""
    fitted, controller = Fitted.load(args.folder), DepthController.load(args.folder)
    bench = fitted.bench()
    items = bench.items(fitted.used, args.n)
    made = write(bench, controller, items)
    outcome = judge(bench, items, made)
    depth = n_layers(bench.reasoner.model)
    print(_summary(outcome, depth))
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "outcome.json").write_text(json.dumps(asdict(outcome), indent=1) + "\n")
    if made.trace.steps and not controller.mode.batched:
        exit_histogram(made.trace, depth).savefig(args.out / "exits.png")
        first = made.early[0]
        # The first token comes from the prompt's own pass, at full depth.
        depths = [depth, *(ran for (ran,) in made.trace.depths)][: len(first)]
        html = heat_map(first, depths, depth, bench.reasoner.tokenizer.decode)
        (args.out / "heat_map.html").write_text(html, encoding="utf-8")
    print(f"Written to {args.out}")


def compare(args: Namespace) -> None:
    """Fit, certify and measure presets; write one table to ``args.out``."""
    names = list(PRESETS) if args.presets is None else args.presets.split(",")
    for name in names:
        _preset(name)
    bench = _bench(args)
    depth = n_layers(bench.reasoner.model)
    training = Distillation(steps=args.steps)
    plan = Plan(args.n, args.calibrate, args.test, args.alpha, args.delta, training)
    rows = Comparison(bench, _layers(args.layers, depth), plan).run(names)
    args.out.mkdir(parents=True, exist_ok=True)
    table = as_table(rows, depth)
    (args.out / "comparison.md").write_text(table + "\n", encoding="utf-8")
    (args.out / "comparison.json").write_text(json.dumps(as_json(rows), indent=1) + "\n")
    print(table)


def _bench(args: Namespace) -> Bench:
    if args.n < 3:
        raise ValueError(f"--n {args.n} is too few to fit on: use 60 or more")
    problems = task(args.task, args.data, args.seed)
    return Bench(load(Source(args.model)), problems, args.max_new_tokens)


def _preset(name: str) -> Preset:
    if name not in PRESETS:
        raise ValueError(f"unknown preset {name!r}: choose one of {', '.join(PRESETS)}")
    return PRESETS[name]


def _layers(given: tuple[int, ...] | None, depth: int) -> tuple[int, ...]:
    """Return the exit layers; by default the last of the first and of the second third."""
    return given or tuple(sorted({max(0, depth // 3 - 1), max(0, 2 * depth // 3 - 1)}))


def _summary(outcome: Outcome, depth: int) -> str:
    return "\n".join(
        [
            f"layers run per token  {outcome.depth:.2f} of {depth}",
            f"same text             {outcome.same_text:.1%}",
            f"same answer           {outcome.same_answer:.1%}",
            f"answers right         {outcome.accuracy:.1%}",
            f"by the full model     {outcome.full_accuracy:.1%}",
            f"speed                 {outcome.speed:.2f} x the full model, same loop, batch 1",
        ]
    )

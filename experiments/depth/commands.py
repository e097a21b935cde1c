"""The steps of ``probexit depth``: fit a rule, certify it, run it, compare published ones."""

import json
import math
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from probexit.calibration.learn_then_test import LearnThenTest
from probexit.calibration.statistics.p_values import HoeffdingBentkusTail
from probexit.exits.depth.controller import DepthController
from probexit.exits.depth.tuning.adapt import Feedback
from probexit.exits.depth.tuning.distil import Distillation
from probexit.exits.depth.tuning.losses import AnswerDiffers, LostTask, TextDissimilarity, TextLoss
from probexit.exits.depth.tuning.rollouts import Writing, continuations
from probexit.exits.fingerprint import Fingerprint
from probexit.experiments.depth import compare as comparing
from probexit.experiments.depth.bench import DepthBench
from probexit.experiments.depth.calibrate import Demand
from probexit.experiments.depth.calibrate import calibrate as certify
from probexit.experiments.depth.cost import measure
from probexit.experiments.depth.drafts import DRAFTS
from probexit.experiments.depth.figures import agreement_against_depth, exit_histogram, heat_map
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
from probexit.experiments.depth.prepare import SOURCES, Sizes, Workshop
from probexit.experiments.depth.presets import PRESETS
from probexit.experiments.depth.run import DepthOutcome
from probexit.experiments.depth.run import run as run_beside
from probexit.experiments.depth.speedup import bill
from probexit.experiments.depth.stop import calibrate_stop, shares
from probexit.experiments.recording.tasks.base import Item
from probexit.experiments.recording.tasks.by_name import task
from probexit.experiments.risk_control.looks import Look, Question, evidence, look
from probexit.hooks.layers import n_layers
from probexit.hooks.models import Source, load


def fit(args: Namespace) -> dict[str, Any]:
    """Train a preset's head and decider; write the controller to ``args.out``.

    Raises:
        ValueError: on a preset that has no rule to be fitted alone.
    """
    (name,) = _names(args.preset)
    if name in DRAFTS:
        raise ValueError(
            f"{name} is made for a comparison: `probexit depth compare --presets {name}` keeps its "
            f"controller in OUT/rules/{name}"
        )
    preset, bench = PRESETS[name], _bench(args)
    model = bench.reasoner.model
    layers = _layers(args.layers, n_layers(model))
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


def calibrate(args: Namespace) -> dict[str, Any]:
    """Certify the threshold of the controller in ``args.folder``, and write it back.

    Raises:
        ValueError: if it is lossless, or was fitted without thresholds.
    """
    fitted, controller = _fitted(args.folder)
    if controller.mode.lossless:
        raise ValueError(f"{args.folder} is lossless: there is no risk to certify")
    if not fitted.thresholds:
        raise ValueError(
            f"{args.folder}/fit.json has no thresholds: run `probexit depth fit` again"
        )
    bench = fitted.bench()
    items = bench.items(fitted.used, args.n)
    demand = _demand(args, bench, items)
    made = _look(args.folder, demand, items, fitted.thresholds)
    test = replace(demand.calibrator, delta=made.spent)
    first, second, test = shares(controller, args.n, test)
    reference = bench.reference(items[first])
    paid = replace(demand, calibrator=test)
    unended = controller.with_stop(math.inf)
    certified, certificate = certify(bench, unended, fitted.thresholds, reference, paid)
    certificate = replace(certificate, statement=f"{certificate.statement} {made}")
    promise = {**certified.certificate, "statement": certificate.statement}
    certified = replace(certified, certificate=promise)
    if items[second]:
        certified, ending = calibrate_stop(bench, certified, items[second], test)
        print(ending)
    # First what was used: if the other is not written, these problems are at least not taken again.
    replace(fitted, used=fitted.used + args.n).save(args.folder)
    certified.save(args.folder)
    print(f"threshold {certificate.threshold:.4f} on {certificate.n} problems,")
    print(f"{certificate.losses:g} of them lost ({type(demand.loss).__name__}).")
    silent = sum(not bench.answer(text) for text in reference.full)
    print(f"{silent} of {len(reference.full)} runs of the full model gave no answer.")
    print(certificate.statement)
    return {**certificate.as_dict(), "controller": args.folder}


def _look(folder: Path, demand: Demand, items: Sequence[Item], thresholds: Sequence[float]) -> Look:
    """Note which look at the folder's promise this is; the texts follow from what it sees."""
    question = Question("layer exits", type(demand.loss).__name__, demand.calibrator.alpha)
    problems = [item.id for item in items]
    seen = evidence(problems, np.empty((0, 0)), np.asarray(thresholds), "learn_then_test")
    return look(folder / "looks.jsonl", question, demand.calibrator.delta, problems, seen)


def run(args: Namespace) -> dict[str, Any]:
    """Run the controller in ``args.folder`` on new problems beside the full model."""
    fitted, controller = _fitted(args.folder)
    bench = fitted.bench()
    items = bench.items(fitted.used, args.n)
    outcome, done = run_beside(bench, controller, items)
    depth = n_layers(bench.reasoner.model)
    print(_summary(outcome, depth))
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "outcome.json").write_text(json.dumps(asdict(outcome), indent=1) + "\n")
    exit_histogram(done["run"].trace, depth).savefig(args.out / "exits.png")
    _paint(bench, controller, items[0], args.out / "heat_map.html")
    print(f"Written to {args.out}")
    return asdict(outcome)


def _fitted(folder: Path) -> tuple[FittedRule, DepthController]:
    fitted, controller = FittedRule.load(folder), DepthController.load(folder)
    fitted.check(controller.rule, folder)
    return fitted, controller


def compare(args: Namespace) -> dict[str, Any]:
    """Fit, certify and measure presets in one run; write table and figures to ``args.out``."""
    names = list(SOURCES) if args.presets is None else _names(args.presets)
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


def bench(args: Namespace) -> dict[str, Any]:
    """Measure both promises, and check losslessness token for token."""
    names = _names(args.presets)
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
            _paint(workshop.bench, controller, workshop.test[0], heat)
    print(made)
    return made.as_json()


def _bench(args: Namespace) -> DepthBench:
    if args.n < 3:
        raise ValueError(f"--n {args.n} is too few to fit on: use 60 or more")
    problems = task(args.task, args.data, args.seed)
    return DepthBench(load(Source(args.model)), problems, args.max_new_tokens)


def workshop_of(args: Namespace) -> Workshop:
    """Make what fits and certifies methods, on the model and the task that were asked for.

    Raises:
        ValueError: on too few problems.
    """
    made = _bench(args)
    training = Distillation(steps=args.steps)
    sizes = Sizes(args.n, args.calibrate, args.test, args.alpha, args.delta, training)
    args.out.mkdir(parents=True, exist_ok=True)
    layers = _layers(args.layers, n_layers(made.reasoner.model))
    return Workshop(made, layers, sizes, args.out / "rules")


def _names(given: str) -> list[str]:
    names = given.split(",")
    for name in names:
        if name not in SOURCES:
            raise ValueError(f"unknown preset {name!r}: choose one of {', '.join(SOURCES)}")
    return names


def _layers(given: tuple[int, ...] | None, depth: int) -> tuple[int, ...]:
    """Return candidates for exits: by default after 1/12 to 2/3 of the layers."""
    shares = (1 / 12, 1 / 6, 1 / 4, 1 / 3, 1 / 2, 2 / 3)
    return given or tuple(sorted({max(0, round(share * depth) - 1) for share in shares}))


def _demand(args: Namespace, bench: DepthBench, items: list[Item]) -> Demand:
    losses: dict[str, TextLoss] = {
        "answer": AnswerDiffers(lambda _, tokens: bench.answer(tokens)),
        "task": LostTask(lambda problem, tokens: bench.right(items[problem], tokens)),
        "text": TextDissimilarity(),
    }
    exact = LearnThenTest(alpha=args.alpha, delta=args.delta)
    if args.loss == "text":  # not 0 or 1
        exact = replace(exact, p_value=HoeffdingBentkusTail())
    return Demand(losses[args.loss], exact)


def _paint(bench: DepthBench, controller: DepthController, item: Item, file: Path) -> None:
    """Paint one text by depth; its first token comes from the prompt's own pass."""
    model, writing = bench.reasoner.model, Writing(bench.max_new_tokens)
    (text,), trace = continuations(model, controller, bench.prompts([item]), writing)
    depth = n_layers(model)
    depths = [depth, *trace.row()][: len(text)]
    html = heat_map(text, depths, depth, bench.reasoner.tokenizer.decode)
    file.write_text(html, encoding="utf-8")


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

"""The step ``probexit depth adapt``: ramps that follow their audits, over two tasks in turn."""

import json
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict, replace

from probexit.exits.depth.tuning.ramp_loop import RampLoop, RampSettings
from probexit.experiments.depth.adapt import BatchServed, RampService, first_ramps
from probexit.experiments.depth.cost import seconds_per_look
from probexit.experiments.depth.fit import fit_rule
from probexit.experiments.depth.prepare import Workshop
from probexit.experiments.depth.presets import PRESETS
from probexit.experiments.depth.steps.arguments import workshop_of
from probexit.experiments.recording.tasks.base import Item
from probexit.experiments.recording.tasks.by_name import task

NEVER = 10**9


def adapt(args: Namespace) -> None:
    """Serve batches under the live loops and write ``adapt.json`` to ``args.out``.

    Raises:
        ValueError: on no batch or no problem, or if no ramp pays.
    """
    if args.batches < 1 or args.batch < 1:
        raise ValueError(f"--batches {args.batches} and --batch {args.batch} must be at least 1")
    workshop = workshop_of(args)
    preset = PRESETS["apparate"]
    head, found = workshop.head(preset)
    rule, others = fit_rule(preset.decider(), head, found)
    costs = workshop.cost.costs(seconds_per_look(rule, others))
    settings = RampSettings(accuracy=args.agreement, check=args.check, overhead=args.overhead)
    ramps = first_ramps(head, found, costs, settings)
    if args.fixed:  # what tuning on the first batch gives, for good
        settings = replace(settings, accuracy=0.0, check=NEVER)
    loop = RampLoop(ramps, found.readout.depth, costs, settings)
    rows = list(RampService(workshop.bench, head, loop).serve(batches_of(args, workshop)))
    kept = {"fixed": args.fixed, "retuned": loop.retuned, "batches": [asdict(row) for row in rows]}
    (args.out / "adapt.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    print("\n".join(_lines(rows, loop)))


def batches_of(args: Namespace, workshop: Workshop) -> list[tuple[str, Sequence[Item]]]:
    """Return batches of the task's problems, the second half of them of another task's."""
    first = workshop.sizes.fit
    whole = workshop.bench.items(first, args.batches * args.batch)
    names = [args.task] * args.batches
    if args.then:
        half, other = args.batches // 2, task(args.then, args.data, args.seed)
        moved = replace(workshop.bench, task=other).items(0, (args.batches - half) * args.batch)
        whole = [*whole[: half * args.batch], *moved]
        names[half:] = [args.then] * (args.batches - half)
    return [(name, whole[i * args.batch : (i + 1) * args.batch]) for i, name in enumerate(names)]


def _lines(rows: Sequence[BatchServed], loop: RampLoop) -> list[str]:
    heads = f"{'batch':>5}  {'task':<10} {'agrees':>7} {'saved':>7}  ramps: thresholds"
    lines = [heads]
    for i, row in enumerate(rows, 1):
        ramps = ", ".join(f"{r}: {t:.3g}" for r, t in zip(row.ramps, row.thetas, strict=True))
        mark = "  tuned" if i in loop.retuned else ""
        share = f"{row.agreement:>7.1%} {row.saved:>7.1%}"
        lines.append(f"{i:>5}  {row.task:<10} {share}  {ramps}{mark}")
    return lines

"""What the steps of ``probexit depth`` read off their arguments."""

from argparse import Namespace

from probexit.exits.depth.tuning.distil import Distillation
from probexit.experiments.depth.bench import DepthBench
from probexit.experiments.depth.prepare import SOURCES, Sizes, Workshop
from probexit.experiments.recording.tasks.by_name import task
from probexit.hooks.layers import n_layers
from probexit.hooks.models import Source, load


def bench_of(args: Namespace) -> DepthBench:
    """Load the model and the task that were asked for.

    Raises:
        ValueError: on too few problems.
    """
    if args.n < 3:
        raise ValueError(f"--n {args.n} is too few to fit on: use 60 or more")
    problems = task(args.task, args.data, args.seed)
    return DepthBench(load(Source(args.model)), problems, args.max_new_tokens)


def workshop_of(args: Namespace) -> Workshop:
    """Make what fits and certifies methods, on the model and the task that were asked for.

    Raises:
        ValueError: on too few problems.
    """
    made = bench_of(args)
    training = Distillation(steps=args.steps)
    sizes = Sizes(args.n, args.calibrate, args.test, args.alpha, args.delta, training)
    args.out.mkdir(parents=True, exist_ok=True)
    layers = layers_of(args.layers, n_layers(made.reasoner.model))
    return Workshop(made, layers, sizes, args.out / "rules")


def names_of(given: str) -> list[str]:
    """Return the presets of a list with commas.

    Raises:
        ValueError: on a name that is none.
    """
    names = given.split(",")
    for name in names:
        if name not in SOURCES:
            raise ValueError(f"unknown preset {name!r}: choose one of {', '.join(SOURCES)}")
    return names


def layers_of(given: tuple[int, ...] | None, depth: int) -> tuple[int, ...]:
    """Return candidates for exits: by default after 1/12 to 2/3 of the layers."""
    shares = (1 / 12, 1 / 6, 1 / 4, 1 / 3, 1 / 2, 2 / 3)
    return given or tuple(sorted({max(0, round(share * depth) - 1) for share in shares}))

"""Compare exit rules on a run's test problems, at equal risk and with error bars."""

from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from probexit.experiments.commands.base import Command, Result, numbers
from probexit.experiments.commands.promise import add_promise

if TYPE_CHECKING:
    from probexit.experiments.evaluation.run_comparison import Levels


class CompareCommand(Command):
    """Compare exit rules on a run's test problems, at equal risk and with error bars."""

    def configure(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("run", type=Path, metavar="RUN", help="a recorded run with a fitted probe")
        add_choice(parser)

    def run(self, args: Namespace) -> Result:
        from probexit.experiments.evaluation.choice import chosen
        from probexit.experiments.evaluation.render.text import as_text
        from probexit.experiments.evaluation.run_comparison import compare_run
        from probexit.experiments.recording.run import Run

        compared = compare_run(Run(args.run), levels(args), chosen(args.methods))
        folder = compared.write()
        print(as_text(compared.comparison))
        print(f"\nTable written to {args.run / 'compare.json'}, figures to {folder}")
        return asdict(compared.comparison)


def add_choice(parser: ArgumentParser, methods: str = "core") -> None:
    """Add what chooses the rules and the risks."""
    add = parser.add_argument
    add(
        "--methods",
        default=methods,
        metavar="WHICH",
        help="core (one rule of each kind), all, replayed (all that need no model), live (those "
        "that change the text: generated anew, kept in RUN/live), or names with commas, see "
        f"`probexit list methods`; default: {methods}",
    )
    add(
        "--problems",
        type=int,
        help="only so many of the test problems: generating anew for all of them takes a while",
    )
    add(
        "--alphas",
        help="risks at which ours is shown too, default: .02,.05,.1; without --alpha the middle "
        "one is common",
    )
    add(
        "--together",
        action="store_true",
        help="certify each rule at its share of the error, so that the best of the table may be "
        "taken (as `calibrate --method A,B,C` does)",
    )
    add(
        "--verifier",
        default="",
        metavar="MODEL",
        help="folder or hub id of a model that judges whether two steps come to the same, for the "
        "rules that ask (TrimR); default: the answers that the steps state in words",
    )
    add(
        "--second",
        default="",
        metavar="MODEL",
        help="folder or hub id of a second model with the same tokenizer, for the rules that let "
        "two models write; default: the other shipped one",
    )
    add(
        "--fresh",
        type=int,
        metavar="N",
        help="calibration problems that live rules generate anew to be certified, charged to them; "
        "0 certifies none; default: as many as test problems",
    )
    add_promise(parser)


def levels(args: Namespace) -> "Levels":
    """Return the risks, and the number of problems, that were asked for.

    Raises:
        ValueError: on a risk that is not between 0 and 1, or no problem.
    """
    from probexit.experiments.evaluation.run_comparison import Levels
    from probexit.experiments.risk_control.calibrators import make_calibrator

    ours = tuple(sorted(numbers(args.alphas))) if args.alphas else Levels.ours
    common = ours[len(ours) // 2] if args.alpha is None else args.alpha
    for alpha in (common, *ours):
        if not 0 < alpha < 1:
            raise ValueError(f"a risk of {alpha:g} is not between 0 and 1: use such as .05")
    if args.problems is not None and args.problems < 1:
        raise ValueError(f"--problems {args.problems} must be at least 1")
    if args.fresh is not None and args.fresh < 0:
        raise ValueError(f"--fresh {args.fresh} must not be negative")
    make_calibrator(args.calibrator, common, args.delta)  # what does not go together is refused
    return Levels(
        common,
        ours,
        args.problems,
        args.delta,
        args.calibrator,
        args.loss,
        args.together,
        args.verifier,
        args.second,
        args.fresh,
    )

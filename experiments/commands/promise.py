"""The arguments that say what is promised; the same for every command that certifies."""

from argparse import ArgumentParser, Namespace
from typing import Any


def add_promise(parser: ArgumentParser, alpha: float | None = 0.05) -> None:
    """Add ``--alpha``, ``--delta``, ``--loss`` and ``--calibrator``; no alpha with ``None``."""
    group = parser.add_argument_group("what is promised")
    if alpha is not None:
        group.add_argument(
            "--alpha", type=float, help=f"risk that must not be exceeded; default: {alpha:g}"
        )
    group.add_argument(
        "--delta",
        type=float,
        help="chance that the promise fails, over all looks at it; default: .1; refused where the "
        "calibrator has none",
    )
    group.add_argument(
        "--loss", default="lost_correct", help="see `probexit list losses`; default: %(default)s"
    )
    group.add_argument(
        "--calibrator",
        default="learn_then_test",
        help="see `probexit list calibrators`; default: %(default)s",
    )


def loss_of(args: Namespace) -> Any:
    """Make the loss that was asked for."""
    from probexit.experiments.registry import named

    return named("probexit.experiments.risk_control.losses", args.loss)()

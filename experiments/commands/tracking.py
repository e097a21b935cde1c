"""The argument that says where a command's numbers are logged, and the context that does it."""

from argparse import ArgumentParser, Namespace
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from probexit.experiments.registry import named


def add_tracking(parser: ArgumentParser) -> None:
    """Add ``--track``."""
    parser.add_argument(
        "--track",
        metavar="NAME[:PLACE]",
        help="log numbers while it runs: trackio, wandb or mlflow with a project, or tensorboard "
        "with a folder, such as tensorboard:runs/board; see `probexit list trackers`",
    )


def tracking(args: Namespace) -> AbstractContextManager[Any]:
    """Return the tracker that was asked for, to be opened; or a context that does nothing."""
    if not getattr(args, "track", None):
        return nullcontext()
    name, _, place = args.track.partition(":")
    tracker = named("probexit.exits.trackers", name)
    opened: AbstractContextManager[Any] = tracker(place) if place else tracker()
    return opened

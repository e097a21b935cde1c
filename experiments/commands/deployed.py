"""What commands that serve a task under a controller share: their arguments and its model."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from probexit.experiments.commands.loading import add_loading, loading_of

if TYPE_CHECKING:
    from probexit.exits.controller import ExitController
    from probexit.hooks.models import Source


def add_deployed(parser: ArgumentParser) -> None:
    """Add the controller, the task and the model."""
    add = parser.add_argument
    add("--controller", type=Path, required=True, help="folder that `calibrate` wrote")
    add("--task", required=True, help="see `probexit list tasks`")
    add("--data", type=Path, help="the task's file, where it reads one")
    add("--n", type=int, required=True, help="how many problems")
    add("--model", help="default: the model the controller was made for")
    add_loading(parser)


def checked_controller(args: Namespace) -> "ExitController":
    """Load the controller.

    Raises:
        ValueError: if ``--n`` is no number of problems, or the folder holds no controller.
    """
    from probexit.exits.controller import ExitController

    if args.n < 1:
        raise ValueError(f"--n {args.n} must be at least 1")
    return ExitController.load(args.controller)


def model_source(args: Namespace, controller: "ExitController") -> "Source":
    """Say which model to load: the one given, or the one that the controller was made for.

    Raises:
        ValueError: if neither is known.
    """
    from probexit.hooks.models import Source

    promise = controller.certificate
    name = args.model or promise.get("model")
    if not name:
        raise ValueError(f"{args.controller} does not say which model it is for: give --model")
    return Source(
        name,
        "" if args.model else promise.get("revision", ""),
        controller.closing,
        controller.tags,
        template_args=promise.get("template_args", {}),
        loading=loading_of(args, promise.get("dtype", "float32"), promise.get("loading", {})),
    )

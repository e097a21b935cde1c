"""Options of serving engines under which no controller can work, whatever the engine."""

from collections.abc import Mapping
from typing import Any

from probexit.exits.engines.server.environment import CONTROLLER


def refuse_options(args: Any, speculation: str, alone: Mapping[str, str]) -> None:
    """Refuse what a controller cannot follow.

    Args:
        args: The engine's options.
        speculation: The name of the one for speculative decoding.
        alone: Numbers that must be 1, and why.

    Raises:
        ValueError: naming the option.
    """
    if getattr(args, speculation):
        raise ValueError(
            f"{speculation}: several tokens are then taken in one pass, which a controller cannot "
            f"follow; leave it out, or unset {CONTROLLER}"
        )
    for name, reason in alone.items():
        if (getattr(args, name, None) or 1) > 1:
            raise ValueError(f"{name}: {reason}; leave it out, or unset {CONTROLLER}")
    if args.enable_lora:
        raise ValueError(
            "enable_lora: a controller is certified for one set of weights; merge them"
        )

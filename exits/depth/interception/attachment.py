"""``model.generate`` while layer exits are attached."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from probexit.exits.depth.interception.gates import Gates, Handler
from probexit.exits.depth.trace import DepthTrace
from probexit.exits.engines.refusals import refuse_generate


@dataclass
class RunningMode:
    """A mode at work on one model.

    Attributes:
        handler: Stands between the model and its layers.
        trace: What happened at each step so far.
        arguments: Given to ``generate`` besides the caller's own; lists are appended to.
    """

    handler: Handler
    trace: DepthTrace
    arguments: dict[str, Any]


@dataclass(frozen=True)
class DepthAttachment:
    """What ``attach`` yields.

    Attributes:
        trace: How deep each token went.
        gates: Counts the layers that ran.
    """

    trace: DepthTrace
    gates: Gates

    @property
    def executed(self) -> tuple[int, ...]:
        """Row-tokens that ran each layer to its end, prompts included, counted on the layers."""
        return tuple(self.gates.executed)


@contextmanager
def generate_through(
    model: Any, arguments: dict[str, Any], check: Callable[[dict[str, Any]], None]
) -> Iterator[None]:
    """Give ``arguments`` to every ``model.generate`` call; lists are appended to the caller's.

    Args:
        model: Its ``generate`` is replaced.
        arguments: To give.
        check: Sees the caller's keyword arguments first, and may refuse them.
    """
    before = vars(model).get("generate")
    inner = model.generate

    def generate(*args: Any, **kwargs: Any) -> Any:
        refuse_generate(model, kwargs, "layer exits")
        check(kwargs)
        for name, value in arguments.items():
            if isinstance(value, list):
                kwargs[name] = [*(kwargs.get(name) or []), *value]
            elif kwargs.get(name) is not None:
                raise ValueError(f"{name} is set by this mode of layer exits: leave it out")
            else:
                kwargs[name] = value
        # A compiled layer would ignore its gate.
        return inner(*args, **{"disable_compile": True, **kwargs})

    model.generate = generate
    try:
        yield
    finally:
        del model.generate
        if before is not None:
            model.generate = before

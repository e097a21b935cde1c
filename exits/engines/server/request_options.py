"""What a request may say about its exits, in ``SamplingParams.extra_args`` or ``vllm_xargs``."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

SWITCH, LEVEL, BUDGET = "probexit", "probexit_alpha", "probexit_max_thinking"
SWITCHES: Mapping[Any, bool] = {True: True, False: False, "on": True, "off": False}


@dataclass(frozen=True)
class RequestOptions:
    """Whether and how one request is left early.

    Attributes:
        on: Whether the controller decides on it.
        alpha: Risk whose certified controller it wants; None the first one's.
        max_thinking: Thinking tokens after which its thinking is closed; None as the controller.
    """

    on: bool = True
    alpha: float | None = None
    max_thinking: int | None = None

    @classmethod
    def read(cls, extra: Mapping[str, Any] | None, levels: Mapping[float, Any]) -> Self:
        """Read a request's extra arguments; those of others are left alone.

        Args:
            extra: Its extra arguments.
            levels: Controllers by the risk they are certified at.

        Raises:
            ValueError: on a value that cannot be, naming those that can.
        """
        given = dict(extra or {})
        odd = sorted(k for k in given if k.startswith(SWITCH) and k not in (SWITCH, LEVEL, BUDGET))
        if odd:
            raise ValueError(f"unknown argument {odd[0]!r}: use {SWITCH}, {LEVEL} or {BUDGET}")
        on, alpha, budget = given.get(SWITCH, True), given.get(LEVEL), given.get(BUDGET)
        if not isinstance(on, bool | int | str) or on not in SWITCHES:
            raise ValueError(f"{SWITCH}={on!r}: use true or false, 'on' or 'off'")
        if alpha is not None and (isinstance(alpha, bool | str | list) or alpha not in levels):
            known = ", ".join(map(str, sorted(levels))) or "none"
            raise ValueError(f"{LEVEL}={alpha!r} is not certified here; certified are: {known}")
        if budget is not None and (type(budget) is not int or budget < 0):
            raise ValueError(f"{BUDGET}={budget!r}: give a number of tokens, 0 or more")
        return cls(SWITCHES[on], None if alpha is None else float(alpha), budget)

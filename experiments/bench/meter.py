"""How much CPU time of an engine's thread some of its functions take, while it runs."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any
from unittest.mock import patch

Method = tuple[type[Any], str]
"""A class and the name of one of its methods."""


class Meter:
    """CPU time of one thread, in and between the calls of metered functions.

    What comes before the end of the first call (setting up, the prompt) is not counted.

    Attributes:
        inside: Nanoseconds within metered functions.
        calls: How often they were called, calls within others not counted.
    """

    def __init__(self) -> None:
        self.inside = self.calls = 0
        self._first = self._last = 0  # ends of calls
        self._within = False

    @property
    def share(self) -> float:
        """Time within metered functions over all other time."""
        return self.inside / max(self._last - self._first - self.inside, 1)

    def timed(self, work: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that does ``work`` and takes note of its time."""

        @wraps(work)
        def metered(*args: Any, **kwargs: Any) -> Any:
            if self._within:
                return work(*args, **kwargs)
            self._within, begin = True, time.thread_time_ns()
            try:
                return work(*args, **kwargs)
            finally:
                self._note(begin, time.thread_time_ns())
                self._within = False

        return metered

    def timed_maker(self, make: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that makes what ``make`` makes, a function, timed."""

        @wraps(make)
        def made(*args: Any, **kwargs: Any) -> Any:
            return self.timed(make(*args, **kwargs))

        return made

    def _note(self, begin: int, end: int) -> None:
        self.calls += 1
        if self._first:
            self.inside += end - begin
        else:
            self._first = end
        self._last = end


@contextmanager
def metering(methods: Sequence[Method], makers: Sequence[Method]) -> Iterator[Meter]:
    """Time methods of classes in whatever runs meanwhile, in one thread.

    Args:
        methods: Those to time.
        makers: Those that make functions, a hook for instance; these are timed.
    """
    meter = Meter()
    with ExitStack() as stack:
        for wrap, places in ((meter.timed, methods), (meter.timed_maker, makers)):
            for cls, name in places:
                stack.enter_context(patch.object(cls, name, wrap(getattr(cls, name))))
        yield meter

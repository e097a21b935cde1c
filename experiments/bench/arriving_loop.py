"""The own loop with requests that arrive while it runs, on a clock that skips what is idle.

Passes are really run and take the time that they take; between them, nobody waits for an arrival
that is still to come. On a CPU the clock is the process's CPU time with one thread, which other
work on the machine does not slow down; elsewhere it is the wall clock.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from probexit.exits.controller import ExitController
from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.generation import Generation
from probexit.exits.engines.loop import Loop
from probexit.exits.engines.running_batch import RunningBatch
from probexit.experiments.bench.server import Sojourn
from probexit.hooks.models import Reasoner


class ArrivingLoop(Loop):
    """A loop whose prompts may enter from their time of arrival on.

    Attributes:
        passes: Rows that wrote, prompt tokens read and seconds of every forward pass, with what
            stands between it and the one before.
    """

    def __init__(
        self, reasoner: Reasoner, controller: ExitController | None, decoding: Decoding
    ) -> None:
        super().__init__(reasoner.model, reasoner.tokenizer, controller, decoding)
        on_cpu = reasoner.model.device.type == "cpu"
        self._clock: Callable[[], float] = time.process_time if on_cpu else time.perf_counter

    def serve(
        self, prompts: Sequence[Sequence[int]], arrivals: Sequence[float]
    ) -> tuple[list[Generation], list[Sojourn]]:
        """Write an answer to each prompt; return them and when each was served.

        Args:
            prompts: Token ids of each.
            arrivals: When each comes in, in seconds, ascending.
        """
        self.passes: list[tuple[int, int, float]] = []
        self._arrivals, self._later = arrivals, list[tuple[int, Sequence[int]]]()
        self._begins: dict[int, float] = {}
        ends: dict[int, float] = {}
        self._start, self._mark = self._clock(), 0.0
        written = self.run(prompts, on_done=lambda i, _: ends.update({i: self._now}))
        return written, [
            Sojourn(arrival, self._begins[i], ends[i]) for i, arrival in enumerate(arrivals)
        ]

    @property
    def _now(self) -> float:
        return self._clock() - self._start

    def _admit(self) -> None:
        every = list(self._waiting)
        if every and not self.busy:
            self._skip_to(self._arrivals[every[0][0]])
        here = sum(self._arrivals[index] <= self._now for index, _ in every)
        self._waiting, self._later = deque(every[:here]), every[here:]
        super()._admit()
        if not self.busy:
            self._restore()

    def _skip_to(self, arrival: float) -> None:
        idle = max(0.0, arrival - self._now)
        self._start -= idle
        self._mark = max(self._mark, arrival)

    def _open(self, index: int, prompt: Sequence[int]) -> Any:
        self._begins[index] = self._now
        return super()._open(index, prompt)

    def _stop(self, *args: Any, **kwargs: Any) -> None:
        super()._stop(*args, **kwargs)
        self._restore()

    def _restore(self) -> None:
        """Put those behind the queue who have not come yet."""
        self._waiting.extend(self._later)
        self._later = []

    def _forward(self, batch: RunningBatch) -> None:
        read = batch.ids.numel() if batch.ids.shape[1] > 1 else 0
        rows = 0 if read else sum(slot is not None for slot in batch.slots)
        super()._forward(batch)
        now = self._now
        self.passes.append((rows, read, now - self._mark))
        self._mark = now

"""For how many steps in a row the stated answer has been confirmed (TrimR, arXiv 2505.17155)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from probexit.exits.rollout import Rollout
from probexit.exits.signals.base import Signal
from probexit.exits.verifiers.base import Verifier
from probexit.exits.verifiers.stated_answer import StatedAnswer


@dataclass(frozen=True)
class StatedRun(Signal):
    """The number of steps in a row that come to the same as the step before them.

    1 is two equal answers in a row. A step that states no answer is passed over, and the count
    stays; a step that states another one sets it to 0. Nothing is decoded by the model itself.

    Attributes:
        verifier: Judges whether two steps come to the same.
    """

    verifier: Verifier = StatedAnswer()  # noqa: RUF009  # frozen

    def scores(self, trace: Rollout) -> Tensor:
        run, runs = 0, []
        last: str | None = None
        for step, states in zip(trace.cues.steps, self._states(trace), strict=True):
            if states:
                run = run + 1 if last is not None and self.verifier.same(last, step) else 0
                last = step
            runs.append(run)
        return torch.tensor(runs, dtype=torch.float32)

    def cost(self, trace: Rollout) -> Tensor:
        spent: list[int] = []
        last: str | None = None
        for step, states in zip(trace.cues.steps, self._states(trace), strict=True):
            spent.append(self.verifier.cost(step))
            if states and last is not None:
                spent[-1] += self.verifier.cost(last, step)
            last = step if states else last
        return torch.tensor(spent, dtype=torch.long)

    def _states(self, trace: Rollout) -> list[bool]:
        return [self.verifier.states(step) for step in trace.cues.steps]

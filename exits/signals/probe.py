"""Read the hidden state at the cue with a trained probe (LYNX, arXiv 2512.05325, and kin)."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from probexit.exits.rollout import Rollout
from probexit.exits.signals.base import CueState, Signal
from probexit.probes.base import Probe


@dataclass(frozen=True)
class ProbeSignal(Signal):
    """The probe's score of the cue token's hidden states; costs no token.

    Attributes:
        probe: A fitted probe over the concatenated layers.
        at: Which layers it reads, in the order of concatenation.
        recorded: The layers that a trace's ``hidden`` holds, in order.
    """

    traced: ClassVar[bool] = False
    probe: Probe
    at: tuple[int, ...]
    recorded: tuple[int, ...]

    def __post_init__(self) -> None:
        missing = [layer for layer in self.at if layer not in self.recorded]
        if missing:
            raise ValueError(f"layers {missing} were not recorded; recorded: {list(self.recorded)}")

    @property
    def layers(self) -> tuple[int, ...]:
        return self.at

    def scores(self, trace: Rollout) -> Tensor:
        columns = [self.recorded.index(layer) for layer in self.at]
        return self._score(trace.cues.hidden[:, columns])

    def live(self, state: CueState) -> Tensor:
        return self._score(state.hidden)

    def _score(self, hidden: Tensor) -> Tensor:
        """Score ``[n, L, d]``, read in the precision of the store, so that replay equals live."""
        return self.probe.score(hidden.to(torch.bfloat16).flatten(1))

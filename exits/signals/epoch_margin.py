"""Probes of several training epochs that must all agree: conformalised early stopping, deployed."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from probexit.exits.rollout import Rollout
from probexit.exits.signals.base import CueState, Signal
from probexit.probes.base import Probe

ABOVE = float(torch.finfo(torch.float32).tiny)
"""Threshold at which every margin is above 0: each epoch scores strictly above its bound."""


@dataclass(frozen=True)
class EpochMargin(Signal):
    """By how much the least sure of some epochs scores above its own conformal bound; no token.

    Attributes:
        probes: The probe as it stood after each of the epochs, over the concatenated layers.
        bounds: The bound of each.
        at: Which layers they read, in the order of concatenation.
        recorded: The layers that a trace's ``hidden`` holds, in order.
    """

    traced: ClassVar[bool] = False
    probes: tuple[Probe, ...]
    bounds: tuple[float, ...]
    at: tuple[int, ...]
    recorded: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.probes or len(self.probes) != len(self.bounds):
            raise ValueError(f"{len(self.probes)} probes and {len(self.bounds)} bounds: one each")
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
        states = hidden.to(torch.bfloat16).flatten(1)  # as the store keeps them
        pairs = zip(self.probes, self.bounds, strict=True)
        margins = torch.stack([probe.score(states).double() - bound for probe, bound in pairs])
        return margins.amin(0).float()

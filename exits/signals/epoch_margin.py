"""Probes of several training epochs that must all agree: conformalised early stopping, deployed."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from probexit.exits.rollout import Rollout
from probexit.exits.signals.base import CueState
from probexit.exits.signals.hidden import HiddenSignal
from probexit.probes.base import Probe

ABOVE = float(torch.finfo(torch.float32).tiny)
"""Threshold at which every margin is above 0, each epoch strictly above its bound."""


@dataclass(frozen=True, kw_only=True)
class EpochMargin(HiddenSignal):
    """By how much the least sure of some epochs scores above its own conformal bound; no token.

    Attributes:
        probes: The probe as it stood after each of the epochs, over the concatenated layers.
        bounds: The bound of each.
    """

    traced: ClassVar[bool] = False
    probes: tuple[Probe, ...]
    bounds: tuple[float, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.probes or len(self.probes) != len(self.bounds):
            raise ValueError(f"{len(self.probes)} probes and {len(self.bounds)} bounds: one each")

    def scores(self, trace: Rollout) -> Tensor:
        return self._score(trace.cues.hidden)

    def live(self, state: CueState) -> Tensor:
        return self._score(state.hidden)

    def _score(self, hidden: Tensor) -> Tensor:
        states = self.read(hidden).flatten(1)
        pairs = zip(self.probes, self.bounds, strict=True)
        margins = torch.stack([probe.score(states).double() - bound for probe, bound in pairs])
        return margins.amin(0).float()

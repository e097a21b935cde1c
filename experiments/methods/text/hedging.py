"""Leave once the thinking hedges little (after Think Deep, Think Fast, arXiv 2504.14047)."""

from dataclasses import dataclass
from typing import ClassVar

from probexit.exits.signals.base import Signal
from probexit.exits.signals.hedging import HedgingDensity
from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.threshold_rule import ThresholdRule


@dataclass(frozen=True)
class Hedging(ThresholdRule):
    """Exit when the text so far has few hedging and thinking markers for its discourse markers.

    The paper relates the density of markers in whole responses to their correctness and proposes no
    exit and no threshold; its word lists were not verified. Words are matched whole.
    """

    title: ClassVar[str] = "hedging density"
    family: ClassVar[MethodFamily] = MethodFamily.TEXT
    reads: ClassVar[str] = "hedging and discourse words"
    guarantee: ClassVar[str] = "risk at most alpha"
    source: ClassVar[str] = "2504.14047"
    summary: ClassVar[str] = "exits once the thinking hedges little"

    def signal(self, context: Context) -> Signal:
        return HedgingDensity()

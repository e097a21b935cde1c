"""Leave once probes agree without hesitating: Certaindex in Dynasor-CoT (arXiv 2412.20993)."""

from dataclasses import dataclass, replace
from typing import ClassVar

from torch import Tensor

from probexit.exits.signals.base import Signal
from probexit.exits.signals.certain_run import CertainRun
from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.outcome import Outcome
from probexit.experiments.methods.core.threshold_rule import ThresholdRule
from probexit.experiments.methods.core.threshold_sweep import Point, whole_numbers

EFFORTS = {"mild": 8, "low": 5, "mid": 3, "high": 2}


@dataclass(frozen=True)
class Dynasor(ThresholdRule):
    """Exit after N equal, certain probes in a row, made every 64 thinking tokens.

    N is the dial, and the paper's efforts are points of it: mild 8, low 5, mid 3, high 2. Its last
    one, crazy, also halves the distance between probes, so it has a signal of its own and lies on
    no curve. A probe waits for the next cue, is greedy and uses this run's closing text; the paper
    probes at the token itself, also before any thinking, at temperature .6, up to 20 tokens behind
    "Oh, I suddenly got the answer".

    Attributes:
        chunk: Least thinking tokens between two probes.
        crazy: N and chunk of the last effort.
    """

    title: ClassVar[str] = "Dynasor-CoT"
    family: ClassVar[MethodFamily] = MethodFamily.TRIAL
    reads: ClassVar[str] = "texts of trial answers"
    cost: ClassVar[str] = "closing text and a trial answer every 64 tokens"
    guarantee: ClassVar[str] = "risk at most alpha, where certified; none at an effort"
    source: ClassVar[str] = "2412.20993"
    summary: ClassVar[str] = "exits once probes agree and none of them hesitates"
    chunk: int = 64
    crazy: tuple[int, int] = (2, 32)

    def signal(self, context: Context) -> Signal:
        return CertainRun(context.closing, self.chunk)

    def grid(self, context: Context, signal: Signal) -> Tensor:
        return whole_numbers(context.splits.fit, max(EFFORTS.values()))

    def points(self, context: Context) -> dict[str, float]:
        return {f"effort {name}": float(n) for name, n in EFFORTS.items()}

    def outcomes(self, context: Context) -> list[Outcome]:
        n, chunk = self.crazy
        sweep = replace(self.sweep(context), signal=CertainRun(context.closing, chunk))
        crazy = sweep.outcomes(context.splits.test, [Point("effort crazy", float(n))])
        return [*super().outcomes(context), *crazy]

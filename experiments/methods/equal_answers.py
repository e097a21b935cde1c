"""Leave once the trial answer has not changed for a while (arXiv 2506.02536)."""

from dataclasses import dataclass
from typing import ClassVar

from probexit.exits.signals.base import Signal
from probexit.exits.signals.run_length import RunLength
from probexit.experiments.methods.base import Family
from probexit.experiments.methods.context import Context
from probexit.experiments.methods.rule import Rule


@dataclass(frozen=True)
class EqualAnswers(Rule):
    """Exit after so many equal trial answers in a row; how many is certified."""

    title: ClassVar[str] = "equal answers"
    family: ClassVar[Family] = Family.TRIAL
    reads: ClassVar[str] = "texts of trial answers"
    cost: ClassVar[str] = "closing text and a trial answer at every cue"
    guarantee: ClassVar[str] = "risk at most alpha"
    source: ClassVar[str] = "2506.02536"
    summary: ClassVar[str] = "exits once the trial answer stays the same"

    def signal(self, context: Context) -> Signal:
        return RunLength(context.closing)

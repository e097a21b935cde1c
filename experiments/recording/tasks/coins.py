"""A row of coins under moves, the shipped reasoner's third family."""

from dataclasses import dataclass

from probexit.experiments.recording.tasks.family import FamilyTask


@dataclass(frozen=True)
class Coins(FamilyTask):
    """A row of coins under moves, the shipped reasoner's third family."""

    @property
    def family(self) -> str:
        return "coins"

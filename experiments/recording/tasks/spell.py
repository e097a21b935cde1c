"""Animals under spells, the shipped reasoner's family without arithmetic."""

from dataclasses import dataclass

from probexit.experiments.recording.tasks.family import FamilyTask


@dataclass(frozen=True)
class Spell(FamilyTask):
    """Animals under spells, the shipped reasoner's family without arithmetic."""

    @property
    def family(self) -> str:
        return "spell"

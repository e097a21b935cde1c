"""Arithmetic modulo 23 in several steps, the shipped reasoner's main family."""

from dataclasses import dataclass

from probexit.experiments.recording.tasks.family import FamilyTask


@dataclass(frozen=True)
class Arith(FamilyTask):
    """Arithmetic modulo 23 in several steps, the shipped reasoner's main family."""

    @property
    def family(self) -> str:
        return "arith"

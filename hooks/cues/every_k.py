"""Cues every so many tokens, the schedule of Dynasor (arXiv 2412.20993)."""

from dataclasses import dataclass

from probexit.hooks.cues.base import CueSet


@dataclass(frozen=True)
class EveryK(CueSet):
    """Every ``k``-th token of the thinking, whatever it says."""

    k: int = 32

    def __post_init__(self) -> None:
        if self.k < 1:
            raise ValueError(f"k must be at least 1 token, not {self.k}")

    def ends(self, text: str) -> bool:
        return False

    def counts(self, tokens: int) -> bool:
        return tokens % self.k == 0

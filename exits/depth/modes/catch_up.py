"""Catch-up: tokens leave, and the next deep token makes up for their keys and values; lossy."""

from dataclasses import dataclass
from typing import Any

from probexit.exits.depth.catch_up import CatchUpWriter
from probexit.exits.depth.modes.base import Mode, Running
from probexit.exits.depth.passes import Passes
from probexit.exits.depth.ragged import Ragged
from probexit.exits.depth.rule import ExitRule
from probexit.exits.depth.single import SingleLoop


@dataclass(frozen=True)
class CatchUp(Mode):
    """One prompt at a time; tokens that reach the last layer see exact keys and values.

    Attributes:
        max_waiting: A token runs deep once this many wait.
        audits: Probability that a token runs deep all the same, and is checked.
        seed: Of the audits.
    """

    max_waiting: int = 16
    audits: float = 0.0
    seed: int = 0

    @property
    def lossless(self) -> bool:
        return False

    def start(self, model: Any, rule: ExitRule) -> Running:
        readout = rule.readout(model)
        ragged = Ragged(readout.depth, rule.head)
        writer = CatchUpWriter(rule, readout, self.max_waiting, self.audits, self.seed)
        loop = SingleLoop(Passes(model, ragged), writer)
        return Running(ragged, writer.trace, {"custom_generate": loop.generate})

"""Full depth in the single-prompt loop: what the other modes' speed is compared with."""

from dataclasses import dataclass
from typing import Any

from probexit.exits.depth.catch_up import CatchUpWriter
from probexit.exits.depth.modes.base import Mode, Running
from probexit.exits.depth.passes import Passes
from probexit.exits.depth.ragged import Ragged
from probexit.exits.depth.rule import ExitRule
from probexit.exits.depth.single import SingleLoop


@dataclass(frozen=True)
class Full(Mode):
    """Plain decoding, one token per pass through every layer; the rule is not asked."""

    @property
    def lossless(self) -> bool:
        return True

    def start(self, model: Any, rule: ExitRule) -> Running:
        readout = rule.readout(model)
        ragged = Ragged(readout.depth, rule.head)
        writer = CatchUpWriter(rule, readout, max_waiting=0)
        loop = SingleLoop(Passes(model, ragged), writer)
        return Running(ragged, writer.trace, {"custom_generate": loop.generate})

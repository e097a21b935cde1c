"""Full depth in the single-prompt loop: what the other modes' speed is compared with."""

from dataclasses import dataclass
from typing import Any

from probexit.exits.depth.decoding.loop import decode_one
from probexit.exits.depth.interception.attachment import RunningMode
from probexit.exits.depth.modes.base import Mode
from probexit.exits.depth.modes.catch_up import CatchUpWriter
from probexit.exits.depth.rule import ExitRule


@dataclass(frozen=True)
class Full(Mode):
    """Plain decoding, one token per pass through every layer; the rule is not asked."""

    @property
    def lossless(self) -> bool:
        return True

    def start(self, model: Any, rule: ExitRule) -> RunningMode:
        writer = CatchUpWriter(rule, rule.readout(model), max_waiting=0)
        return decode_one(model, rule, writer)

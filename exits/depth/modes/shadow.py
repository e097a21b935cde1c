"""Shadow: every layer runs, the text is the full model's, and every decision is checked."""

from dataclasses import dataclass
from typing import Any

from probexit.exits.depth.interception.attachment import RunningMode
from probexit.exits.depth.kv.propagate import Propagate
from probexit.exits.depth.modes.base import Mode
from probexit.exits.depth.modes.leave import RowExits
from probexit.exits.depth.rule import ExitRule


@dataclass(frozen=True)
class Shadow(Mode):
    """Saves nothing; tells what would have been saved, and at what agreement."""

    @property
    def lossless(self) -> bool:
        return True

    @property
    def live(self) -> bool:
        return False

    @property
    def reads_exits(self) -> bool:
        return True  # none leaves

    @property
    def batched(self) -> bool:
        return True

    def start(self, model: Any, rule: ExitRule) -> RunningMode:
        rows = RowExits(rule, rule.readout(model), Propagate(), audits=1.0)
        return RunningMode(rows, rows.trace, {})

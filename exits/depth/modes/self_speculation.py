"""Self-speculation: early tokens are drafts, and the whole model verifies them; lossless."""

from dataclasses import dataclass

from probexit.exits.depth.drafts.base import Drafter
from probexit.exits.depth.drafts.early_exit import EarlyExit
from probexit.exits.depth.modes.drafting import Drafting
from probexit.exits.depth.readout import Readout
from probexit.exits.depth.rule import ExitRule


@dataclass(frozen=True)
class SelfSpeculation(Drafting):
    """Drafts leave where the rule says, and share the cache."""

    def drafter(self, rule: ExitRule, readout: Readout) -> Drafter:
        return EarlyExit(rule, readout)

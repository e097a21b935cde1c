"""A request under a controller in vLLM."""

from dataclasses import dataclass

from probexit.exits.engines.row import Row
from probexit.exits.engines.server.sessions import Rule
from probexit.exits.engines.session import Session


@dataclass
class Running:
    """A request under a controller.

    Attributes:
        rule: Decides on it.
        row: What it has seen.
        limit: Tokens that it may write.
        audited: Whether it thinks to the end, and is examined then.
        told: The token it was ordered to write, if any.
        failed: Whether its controller failed and it thinks on without.
    """

    rule: Rule
    row: Row
    limit: int
    audited: bool = False
    told: int | None = None
    failed: bool = False

    @property
    def session(self) -> Session:
        """The session that decides on it."""
        return self.rule.session

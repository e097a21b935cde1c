"""One line of the decision log for a request that vLLM has finished."""

from typing import Any

from probexit.exits.controller import ExitController
from probexit.exits.engines.row import Row
from probexit.exits.production.digest import digest
from probexit.exits.production.log import Decision


def decision_of(name: str, controller: ExitController, row: Row, request: Any) -> Decision:
    """Say what the controller did with a request.

    Args:
        name: vLLM's name of it, which begins with what the API returned.
        controller: What decided.
        row: What it saw and did.
        request: vLLM's record of it.
    """
    left = row.exit
    at_cue = left is not None and left.cue is not None
    return Decision(
        request=name,
        controller=digest(controller),
        scores=tuple(row.scores),
        cue=left.cue if left is not None and at_cue else None,
        score=left.score if left is not None and at_cue else None,
        refused=row.refused,
        budget=left is not None and left.cue is None,
        tokens=len(request.output_token_ids),
    )

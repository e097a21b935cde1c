"""One line of the decision log for a request that vLLM has finished."""

from probexit.exits.engines.row import Row
from probexit.exits.production.log import Decision


def decision_of(name: str, controller: str, row: Row, tokens: int) -> Decision:
    """Say what the controller did with a request.

    Args:
        name: vLLM's name of it, which begins with what the API returned.
        controller: Digest of what decided.
        row: What it saw and did.
        tokens: Tokens written.
    """
    left = row.exit
    return Decision(
        request=name,
        controller=controller,
        scores=tuple(row.scores),
        cue=None if left is None else left.cue,
        score=None if left is None else left.score,
        refused=row.refused,
        budget=left is not None and left.cue is None,
        tokens=tokens,
    )

"""Questions with right answers, other than those any controller here was made on."""

from itertools import islice

from probexit.experiments.recording.tasks.arith import Arith

SEED = 7  # recordings begin at 0


def questions(n: int) -> list[dict[str, str]]:
    """Return ``n`` records with ``question`` and ``answer``."""
    items = islice(Arith(seed=SEED).items(), n)
    return [{"question": item.question, "answer": item.gold} for item in items]

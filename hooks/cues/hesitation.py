"""Cues at LYNX's reflection words and "actually", the words the shipped reasoner re-checks with.

"Actually" opens a re-check as the others do, but is not in LYNX's list (arXiv 2512.05325).
"""

from dataclasses import dataclass

from probexit.hooks.cues.reflection import Reflection


@dataclass(frozen=True)
class Hesitation(Reflection):
    """Wait, hmm, alternatively, actually."""

    words: tuple[str, ...] = ("wait", "hmm", "alternatively", "actually")

"""Cues at the fuller published list of reflection phrases.

The keywords by which Zhang et al. (arXiv 2504.05419) cut a reasoning trace into chunks.
"""

from dataclasses import dataclass

from probexit.hooks.cues.reflection import Reflection


@dataclass(frozen=True)
class SelfVerification(Reflection):
    """Words and phrases with which a model announces a check or another attempt."""

    words: tuple[str, ...] = (
        "wait",
        "double-check",
        "alternatively",
        "make sure",
        "another way",
        "verify",
        "to confirm",
    )

"""Name cue sets on the command line: ``reflection``, or a union: ``reflection+paragraph``."""

from probexit.experiments.registry import named
from probexit.hooks.cues.base import CueSet
from probexit.hooks.cues.union import Union

CUES = "probexit.hooks.cues"


def cue_set(name: str) -> CueSet:
    """Make a cue set from its name, or the union of several joined by ``+``.

    Raises:
        ValueError: on an unknown name.
    """
    parts: list[CueSet] = [named(CUES, part)() for part in name.split("+")]
    return parts[0] if len(parts) == 1 else Union(tuple(parts))

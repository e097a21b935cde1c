"""Names on the command line become classes here: a member of a family by its name, a task."""

import re
from typing import Any

from probexit.probes.artefacts.registry import contracts, members, suggestion

__all__ = ["members", "named"]


def named(package: str, name: str) -> type[Any]:
    """Return the member of a family by its name; ``-`` may stand for ``_``.

    Raises:
        ValueError: if there is none, listing the ones there are.
    """
    found = members(package)
    member = found.get(name.replace("-", "_"))
    if member is None:
        raise ValueError(f"unknown {_kind(package)} {name!r}{suggestion(name, found)}")
    return member


def _kind(package: str) -> str:
    """Say what a family's members are, by the name of its contract: "cue set" for ``CueSet``."""
    contract = contracts(package)[0].__name__
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", contract).lower()

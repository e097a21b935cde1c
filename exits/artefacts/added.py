"""Fields that came later: what a folder that was written before them meant.

A folder must hold every field of its parts, so that nothing is deployed by default. Whoever adds a
field to a saved class says here what older folders are to be read as.
"""

from typing import Any

ADDED: dict[str, dict[str, Any]] = {
    "Fingerprint": {"base": "", "kind": ""},
    "FittedRule": {"rule": ""},
}
"""``{"family:name" or name of another class: {field: its JSON value}}``."""

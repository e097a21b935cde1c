"""Name a controller by its content, so that a log tells which one decided."""

import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory

from probexit.exits.controller import ExitController


def digest(controller: ExitController) -> str:
    """Return 16 hex digits that differ if anything in the controller's folder would."""
    with TemporaryDirectory() as place:
        controller.save(Path(place))
        files = sorted(file for file in Path(place).rglob("*") if file.is_file())
        return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]

"""Attributes put in place of an engine's own, and put back."""

import os
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch


class Patches(ExitStack):
    """What was changed in this process; ``close`` undoes it, the newest change first."""

    def put(self, owner: type[Any], name: str, value: Any) -> None:
        """Put a class's attribute in place of what stands there, or of nothing."""
        self.enter_context(patch.object(owner, name, value, create=True))

    def keep_variable(self, name: str) -> None:
        """Note an environment variable, which may be changed from now on."""
        before = os.environ.get(name)
        if before is None:
            self.callback(os.environ.pop, name, None)
        else:
            self.callback(os.environ.__setitem__, name, before)

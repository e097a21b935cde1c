"""Probe a reasoning model's hidden states and stop its thinking, with a promise to check.

The names below load on first use, so that ``import probexit`` stays light.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from probexit._version import __version__

if TYPE_CHECKING:
    from probexit.exits.controller import ExitController
    from probexit.exits.depth.controller import DepthController
    from probexit.exits.engines.generate import attach
    from probexit.exits.engines.loop import generate
    from probexit.exits.trace import Trace
    from probexit.hooks.capture import Capture
    from probexit.hooks.layers import decoder_layers

__all__ = [
    "Capture",
    "DepthController",
    "ExitController",
    "Trace",
    "__version__",
    "attach",
    "decoder_layers",
    "generate",
]

_HOME = {
    "Capture": "probexit.hooks.capture",
    "DepthController": "probexit.exits.depth.controller",
    "ExitController": "probexit.exits.controller",
    "Trace": "probexit.exits.trace",
    "attach": "probexit.exits.engines.generate",
    "decoder_layers": "probexit.hooks.layers",
    "generate": "probexit.exits.engines.loop",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value

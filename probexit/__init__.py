"""Probe a reasoning model's hidden states and stop its thinking, with a promise to check.

Five verbs: ``load`` a model, ``record`` its thinking, ``fit`` a probe, ``certify`` a threshold,
``attach`` the controller; and ``report`` on it. The names load on first use, so that ``import
probexit`` stays light.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from probexit._version import __version__

if TYPE_CHECKING:
    from probexit.calibration.learn_then_test import LearnThenTest
    from probexit.calibration.metrics.reliability import reliability_diagram
    from probexit.exits.controller import ExitController
    from probexit.exits.depth.controller import DepthController
    from probexit.exits.engines.generate import attach
    from probexit.exits.engines.loop import generate
    from probexit.exits.trace import Trace
    from probexit.experiments.recording.run import Run
    from probexit.experiments.verbs.capture import capture_at_cues
    from probexit.experiments.verbs.certify import certify
    from probexit.experiments.verbs.certify_losses import certify_losses
    from probexit.experiments.verbs.fit import fit
    from probexit.experiments.verbs.load import load
    from probexit.experiments.verbs.record import Recording, record
    from probexit.experiments.verbs.report import report
    from probexit.hooks.capture import Capture
    from probexit.hooks.layers import decoder_layers
    from probexit.probes.logistic import Logistic
    from probexit.probes.sweep import sweep

__all__ = [
    "Capture",
    "DepthController",
    "ExitController",
    "LearnThenTest",
    "Logistic",
    "Recording",
    "Run",
    "Trace",
    "__version__",
    "attach",
    "capture_at_cues",
    "certify",
    "certify_losses",
    "decoder_layers",
    "fit",
    "generate",
    "load",
    "record",
    "reliability_diagram",
    "report",
    "sweep",
]

_HOME = {
    "Capture": "probexit.hooks.capture",
    "DepthController": "probexit.exits.depth.controller",
    "ExitController": "probexit.exits.controller",
    "LearnThenTest": "probexit.calibration.learn_then_test",
    "Logistic": "probexit.probes.logistic",
    "Recording": "probexit.experiments.verbs.record",
    "Run": "probexit.experiments.recording.run",
    "Trace": "probexit.exits.trace",
    "attach": "probexit.exits.engines.generate",
    "capture_at_cues": "probexit.experiments.verbs.capture",
    "certify": "probexit.experiments.verbs.certify",
    "certify_losses": "probexit.experiments.verbs.certify_losses",
    "decoder_layers": "probexit.hooks.layers",
    "fit": "probexit.experiments.verbs.fit",
    "generate": "probexit.exits.engines.loop",
    "load": "probexit.experiments.verbs.load",
    "record": "probexit.experiments.verbs.record",
    "reliability_diagram": "probexit.calibration.metrics.reliability",
    "report": "probexit.experiments.verbs.report",
    "sweep": "probexit.probes.sweep",
}


def __dir__() -> list[str]:
    return sorted(__all__)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value

"""The families whose members a controller may name."""

from probexit.probes.artefacts.registry import Registry
from probexit.probes.stored import FAMILIES as PROBES

REGISTRY = Registry(
    PROBES
    | {
        "cues": "probexit.hooks.cues",
        "signal": "probexit.exits.signals",
        "policy": "probexit.exits.policies",
        "verifier": "probexit.exits.verifiers",
        "intervention": "probexit.exits.interventions",
        "samples": "probexit.exits.samples",
        "decider": "probexit.exits.depth.deciders",
        "head": "probexit.exits.depth.heads",
        "kv": "probexit.exits.depth.kv",
        "mode": "probexit.exits.depth.modes",
    }
)

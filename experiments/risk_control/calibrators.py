"""Calibrators by name, with the levels that each of them has."""

from dataclasses import fields

from probexit.calibration.base import Calibrator
from probexit.experiments.registry import named

DELTA = 0.1
"""Chance that a promise fails, where none is given."""


def make_calibrator(name: str, alpha: float, delta: float | None = None) -> Calibrator:
    """Make a calibrator.

    Args:
        name: One of `probexit list calibrators`.
        alpha: The risk that must not be exceeded.
        delta: Chance that the promise fails; None is ``DELTA`` where there is such a chance.

    Raises:
        ValueError: on an unknown name, or a delta for a promise that holds only on average.
    """
    make = named("probexit.calibration", name)
    has_delta = "delta" in {field.name for field in fields(make)}
    if delta is not None and not has_delta:
        raise ValueError(
            f"--delta {delta:g} does not apply: {name} promises an average over calibration sets, "
            "which no confidence belongs to; leave --delta out, or choose learn_then_test"
        )
    levels = {"alpha": alpha} | ({"delta": delta or DELTA} if has_delta else {})
    if delta is not None:
        levels["delta"] = delta
    made: Calibrator = make(**levels)
    return made

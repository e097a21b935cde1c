import numpy as np
import pytest

from probexit.calibration.per_cue.base import CueCalibrator
from probexit.experiments.registry import members

MEMBERS = sorted(members("probexit.calibration.per_cue").items())
every = pytest.mark.parametrize(("name", "make"), MEMBERS)


def graded(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    p = rng.uniform(0, 1, n)
    return p, rng.uniform(0, 1, n) < p


@every
def test_the_threshold_decides_as_the_set_does(name: str, make: type[CueCalibrator]) -> None:
    rule = make(delta=0.2).calibrate(*graded(400))
    p = np.linspace(0, 1, 501)
    assert ((p >= rule.threshold) == rule.exits(p)).all()
    assert rule.exits(p).any()


@every
def test_unsafe_cues_pass_no_more_often_than_promised(name: str, make: type[CueCalibrator]) -> None:
    """On fresh exchangeable cues; a rule without calibration breaks it by far."""
    rule = make(delta=0.1).calibrate(*graded(4000))
    rng = np.random.default_rng(1)
    p = rng.uniform(0, 1, 20_000)
    safe = rng.uniform(0, 1, 20_000) < p
    passed = (rule.exits(p) & ~safe).mean()
    assert passed <= 0.11
    assert ((p >= 0.5) & ~safe).mean() > 0.12


@every
def test_what_it_cannot_use_is_refused(name: str, make: type[CueCalibrator]) -> None:
    with pytest.raises(ValueError, match="delta must lie strictly between"):
        make(delta=1.0)
    with pytest.raises(ValueError, match="apply a sigmoid first"):
        make().calibrate([1.5, 0.2], [True, False])
    with pytest.raises(ValueError, match="one number per cue"):
        make().calibrate([0.5], [True, False])
    assert "{" not in make.promise.format(delta=0.1)

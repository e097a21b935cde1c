"""Every calibrator of the family, found by walking the package: a new one is covered unlisted."""

import importlib
import inspect
import math
import pkgutil

import numpy as np
import pytest

from probexit import calibration
from probexit.calibration.base import Calibrator
from probexit.calibration.certificate import Certificate, certify

GRID = np.linspace(0.95, 0.05, 19)


def members() -> list[type[Calibrator]]:
    names = [m.name for m in pkgutil.walk_packages(calibration.__path__, "probexit.calibration.")]
    modules = [importlib.import_module(name) for name in names]
    found = {c for m in modules for _, c in inspect.getmembers(m, inspect.isclass)}
    concrete = [c for c in found if issubclass(c, Calibrator) and not inspect.isabstract(c)]
    return sorted(concrete, key=lambda c: c.__name__)


def table(n=400, seed=0):
    """Losses of 0 or 1 that rise towards lax but are not monotone in each row."""
    rng = np.random.default_rng(seed)
    return (rng.random((n, GRID.size)) < np.linspace(0, 0.3, GRID.size)).astype(float)


@pytest.fixture(params=members(), ids=lambda c: c.__name__)
def family(request):
    return request.param


def test_the_walk_finds_the_family():
    assert {"LearnThenTest", "SplitConformal", "Uncalibrated"} <= {c.__name__ for c in members()}


def test_returns_a_grid_value(family):
    threshold = family(alpha=0.2).select(table(), GRID)
    assert threshold in GRID


def test_laxer_alpha_never_gives_a_stricter_threshold(family):
    for seed in range(5):
        chosen = [
            family(alpha=a).select(table(seed=seed), GRID) for a in (0.02, 0.05, 0.1, 0.2, 0.4)
        ]
        assert chosen == sorted(chosen, reverse=True)


def test_all_right_exits_at_the_laxest(family):
    assert family(alpha=0.1).select(np.zeros((2000, GRID.size)), GRID) == GRID[-1]


def test_all_wrong_never_exits(family):
    assert family(alpha=0.1).select(np.ones((400, GRID.size)), GRID) == math.inf


def test_one_problem(family):
    assert family(alpha=0.05).select(np.ones((1, GRID.size)), GRID) == math.inf
    assert family(alpha=0.05).select(np.zeros((1, GRID.size)), GRID) in {math.inf, GRID[-1]}


def test_one_threshold(family):
    assert family(alpha=0.1).select(np.zeros((2000, 1)), np.array([0.5])) == 0.5


def test_more_loss_never_gives_a_laxer_threshold(family):
    losses = np.maximum.accumulate(table(), axis=1)
    worse = np.maximum(losses, np.maximum.accumulate(table(seed=1), axis=1))
    rule = family(alpha=0.2)
    assert rule.select(worse, GRID) >= rule.select(losses, GRID)


def test_inputs_are_left_alone(family):
    losses, grid = table(), GRID.copy()
    kept = losses.copy()
    family().select(losses, grid)
    assert (losses == kept).all()
    assert (grid == GRID).all()


BAD = {
    "loss above 1": (np.full((5, 2), 1.5), [0.9, 0.5]),
    "negative loss": (np.full((5, 2), -0.1), [0.9, 0.5]),
    "nan loss": (np.full((5, 2), np.nan), [0.9, 0.5]),
    "shape": (np.zeros((5, 3)), [0.9, 0.5]),
    "one dimension": (np.zeros(5), [0.9]),
    "no problems": (np.zeros((0, 2)), [0.9, 0.5]),
    "no thresholds": (np.zeros((5, 0)), []),
    "lax to strict": (np.zeros((5, 2)), [0.5, 0.9]),
    "equal thresholds": (np.zeros((5, 2)), [0.5, 0.5]),
    "nan threshold": (np.zeros((5, 1)), [np.nan]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_tables_are_refused(family, case):
    losses, grid = BAD[case]
    with pytest.raises(ValueError, match=r"losses|grid"):
        family().select(losses, np.array(grid))


@pytest.mark.parametrize("alpha", [0.0, 1.0, -0.1, 1.5, math.nan])
def test_levels_outside_are_refused(family, alpha):
    with pytest.raises(ValueError, match="alpha"):
        family(alpha=alpha)


def test_certificates_speak_and_survive_json(family):
    for losses in (table(), np.ones((400, GRID.size))):
        certificate = certify(family(alpha=0.2), losses, GRID)
        assert Certificate.from_json(certificate.to_json()) == certificate
        assert "{" not in certificate.statement
        assert certificate.certified == (certificate.threshold < math.inf)

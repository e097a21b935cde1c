"""Every scaling, found by walking the package."""

import importlib
import inspect
import json
import pkgutil

import numpy as np
import pytest

from probexit.calibration import scaling
from probexit.calibration.metrics.reliability import brier, ece
from probexit.calibration.scaling.base import Scaling


def members() -> list[type[Scaling]]:
    modules = [
        importlib.import_module(m.name)
        for m in pkgutil.iter_modules(scaling.__path__, "probexit.calibration.scaling.")
    ]
    found = {c for m in modules for _, c in inspect.getmembers(m, inspect.isclass)}
    concrete = [c for c in found if issubclass(c, Scaling) and not inspect.isabstract(c)]
    return sorted(concrete, key=lambda c: c.__name__)


@pytest.fixture(params=members(), ids=lambda c: c.__name__)
def family(request):
    return request.param


def overconfident(n=4000, seed=0):
    """Scores whose logits are three times too large."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1, n)
    labels = rng.random(n) < 1 / (1 + np.exp(-logits))
    return 1 / (1 + np.exp(-3 * logits)), labels.astype(float)


def test_the_walk_finds_the_family():
    assert {"Isotonic", "Platt", "Temperature"} <= {c.__name__ for c in members()}


def test_overconfidence_is_mended_on_new_data(family):
    scaling_ = family().fit(*overconfident())
    scores, labels = overconfident(seed=1)
    assert ece(scores, labels) > 0.1
    assert ece(scaling_.transform(scores), labels) < 0.04
    assert brier(scaling_.transform(scores), labels) < brier(scores, labels)


def test_never_decreasing_and_inside(family):
    scores, labels = overconfident(300)
    for y in (labels, 1 - labels, np.ones(300), np.zeros(300)):
        p = family().fit(scores, y).transform(np.linspace(0, 1, 101))
        assert (np.diff(p) >= 0).all()
        assert ((p >= 0) & (p <= 1)).all()


def test_separable_scores_stay_finite(family):
    p = family().fit([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1]).transform([0.0, 0.5, 1.0])
    assert np.isfinite(p).all()


def test_weights_count_as_repeats(family):
    scores, labels = overconfident(200)
    weights = np.arange(200) % 3
    weighted = family().fit(scores, labels, weights).transform(scores)
    repeated = family().fit(np.repeat(scores, weights), np.repeat(labels, weights))
    np.testing.assert_allclose(weighted, repeated.transform(scores), atol=2e-3)


def test_json_round_trip(family):
    fitted = family().fit(*overconfident(300))
    again = family.from_json(fitted.to_json())
    x = np.linspace(0, 1, 50)
    assert (again.transform(x) == fitted.transform(x)).all()
    with pytest.raises(ValueError, match="has"):
        family.from_json('{"other": 1}')
    state = json.loads(fitted.to_json())
    for wrong in (None, "1", True, [[]], [None]):
        with pytest.raises(ValueError, match="no finite number"):
            family.from_json(json.dumps(state | {family.fitted[0]: wrong}))


def test_keeps_the_shape(family):
    fitted = family().fit(*overconfident(300))
    assert fitted.transform(np.full((2, 3), 0.5)).shape == (2, 3)


def test_bad_input(family):
    with pytest.raises(ValueError, match="fit"):
        family().transform([0.5])
    with pytest.raises(ValueError, match=r"\[n\]"):
        family().fit([], [])
    with pytest.raises(ValueError, match="labels"):
        family().fit([0.5, 0.6], [0.3, 1])

"""Every probe is a classifier of scikit-learn: its own common tests, and what users do with one."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from probexit.calibration.metrics.reliability import reliability_diagram
from probexit.probes.adapters.estimator import EstimatorProbe
from probexit.probes.base import Probe
from probexit.probes.discriminant import Discriminant
from probexit.probes.logistic import Logistic
from probexit.probes.mean_difference import MeanDifference
from probexit.probes.mlp import MLP
from probexit.probes.principal import Principal
from probexit.probes.random_direction import RandomDirection
from probexit.probes.sweep import sweep

SMALL = [
    Logistic(),
    Discriminant(),
    MeanDifference(),
    Principal(components=4),
    RandomDirection(),
    MLP(hidden=(32,), learning_rate=0.01, epochs=200),
]


def expected_failures(probe: Probe) -> dict[str, str]:
    """Say which common tests ask for what a probe is not for."""
    if isinstance(probe, RandomDirection):
        return {"check_classifiers_train": "a floor need not reach the accuracy asked for"}
    return {}


def listed(mark: Any) -> Any:
    """Return a parametrisation with its values as a list: pytest deprecates generators."""
    names, values = mark.args
    return pytest.mark.parametrize(names, list(values), **mark.kwargs)


@listed(parametrize_with_checks(SMALL, expected_failed_checks=expected_failures))
def test_common_checks(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.fixture(scope="module")
def cues() -> tuple[Any, Any, Any]:
    """Arrays ``X [400, 12]``, ``y [400]``, and the names of 80 problems."""
    rng = np.random.default_rng(0)
    y = rng.random(400) < 0.4
    names = np.array([f"problem {i // 5}" for i in range(400)])
    return rng.normal(size=(400, 12)) + 1.5 * y[:, None], y.astype(int), names


@pytest.mark.parametrize("probe", SMALL, ids=lambda probe: type(probe).__name__)
def test_arrays_and_tensors_give_the_same(probe: Probe, cues: Any, tmp_path: Path) -> None:
    X, y, groups = cues
    by_array = clone(probe).fit(X, y, groups)
    numbers = torch.arange(80).repeat_interleave(5)
    names = np.unique(groups, return_inverse=True)[1]
    by_tensor = clone(probe).fit(torch.as_tensor(X), torch.as_tensor(y), torch.as_tensor(names))
    assert len(numbers) == len(names)
    both = by_array.predict_proba(X)
    assert isinstance(both, np.ndarray)
    assert both.shape == (400, 2)
    np.testing.assert_allclose(both.sum(1), 1)
    np.testing.assert_allclose(both[:, 1], by_tensor.score(torch.as_tensor(X)), atol=1e-6)
    by_array.save(tmp_path)
    np.testing.assert_array_equal(type(probe).load(tmp_path).predict(X), by_array.predict(X))


def test_folds_by_problem_pipelines_and_searches(cues: Any) -> None:
    X, y, groups = cues
    folds = StratifiedGroupKFold(4)
    for model in (Logistic(), make_pipeline(StandardScaler(), Logistic())):
        scores = cross_val_score(model, X, y, groups=groups, cv=folds, scoring="roc_auc")
        assert scores.mean() > 0.9
    search = GridSearchCV(Logistic(), {"C": [1e-4, 1e-2]}, cv=folds).fit(X, y, groups=groups)
    assert search.best_params_["C"] in (1e-4, 1e-2)


def test_labels_of_another_kind_are_not_saved_as_numbers(cues: Any, tmp_path: Path) -> None:
    X, y, _ = cues
    probe = Logistic().fit(X, np.where(y, "stop", "go on"))
    assert set(probe.predict(X)) == {"stop", "go on"}
    with pytest.raises(ValueError, match="labels"):
        probe.save(tmp_path)


def test_any_classifier_is_a_probe(cues: Any, tmp_path: Path) -> None:
    X, y, groups = cues
    forest = RandomForestClassifier(10, random_state=0)
    probe = EstimatorProbe(forest).fit(X, y, groups)
    states = torch.as_tensor(X).reshape(80, 5, 12).float()
    states[3, 2, 0] = float("nan")
    scores = probe.score(states)
    assert scores.shape == (80, 5)
    assert scores.isnan().nonzero().tolist() == [[3, 2]]  # passes no threshold
    alone = probe.estimator_.predict_proba(X)[:, 1].astype(np.float32)
    np.testing.assert_array_equal(scores.flatten()[:17], alone[:17])
    assert not hasattr(forest, "estimators_")  # what was given is left as it was
    with pytest.raises(ValueError, match="cannot be saved without pickle"):
        probe.save(tmp_path)
    with pytest.raises(ValueError, match="has no predict_proba"):
        EstimatorProbe(LinearSVC()).fit(X, y)


def test_a_sweep_of_arrays_is_a_frame_and_a_picture(cues: Any) -> None:
    X, y, groups = cues
    found = sweep(Logistic, np.stack([X, np.zeros_like(X) + X[::-1]], 1), y, groups)
    frame = found.to_frame()
    assert frame.layers.tolist() == ["0", "1"]
    assert frame.auroc[0] > 0.9
    axes = found.plot()
    assert axes.get_ylabel() == "AUROC, other problems"


def test_a_reliability_diagram_is_a_frame_and_a_picture(cues: Any) -> None:
    X, y, groups = cues
    scores = Logistic().fit(X, y, groups).predict_proba(X)[:, 1]
    diagram = reliability_diagram(scores, y, groups)
    frame = diagram.to_frame()
    assert frame["count"].sum() == len(y)
    assert diagram.plot().get_xlabel() == "score"

import numpy as np
import pytest

from probexit.calibration.metrics.inputs import Scored


def test_runs_by_hand():
    data = Scored.of([0.5, 0.1, 0.5, 0.9], [1, 0, 0, 1], [1, 2, 3, 4])
    scores, zeros, ones = data.runs()
    assert scores.tolist() == [0.1, 0.5, 0.9]
    assert zeros.tolist() == [2, 3, 0]
    assert ones.tolist() == [0, 1, 4]


def test_problems_are_numbered_in_sorted_order_whatever_names_them():
    data = Scored.of([0.1, 0.2, 0.3], [0, 1, 1])
    assert data.problems(["b", "a", "b"]).tolist() == [1, 0, 1]
    with pytest.raises(ValueError, match="groups must be"):
        data.problems([1, 2])


@pytest.mark.parametrize(
    ("scores", "labels", "weights", "message"),
    [
        ([], [], None, "n > 0"),
        ([0.1], [0, 1], None, "must be"),
        ([[0.1]], [[1]], None, "must be"),
        ([0.1, 0.2], [0, 1], [1], "must be"),
        ([0.1, np.nan], [0, 1], None, "1 of 2 scores"),
        ([0.1, 0.2], [0, 2], None, "labels must be 0 or 1"),
        ([0.1, 0.2], [0, 1], [1, -1], "negative"),
        ([0.1, 0.2], [0, 1], [1, np.inf], "finite"),
    ],
)
def test_bad_input_is_refused_by_name(scores, labels, weights, message):
    with pytest.raises(ValueError, match=message):
        Scored.of(scores, labels, weights)


@pytest.mark.parametrize("score", [-0.1, 1.1])
def test_probabilities_lie_in_the_unit_interval(score):
    with pytest.raises(ValueError, match=r"in \[0, 1\]"):
        Scored.of([0.5, score], [0, 1]).probabilities()

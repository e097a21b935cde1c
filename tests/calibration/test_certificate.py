import json
import math

import numpy as np
import pytest

from probexit.calibration.certificate import Certificate, certify
from probexit.calibration.learn_then_test import LearnThenTest
from probexit.calibration.split_conformal import SplitConformal

GRID = np.array([0.9, 0.5])


def losses(n, strict=0, lax=0):
    table = np.zeros((n, 2))
    table[:strict, 0] = 1
    table[:lax, 1] = 1
    return table


def test_certified():
    certificate = certify(LearnThenTest(0.1, 0.1), losses(100, 2, 5), GRID)
    assert certificate.certified
    assert (certificate.threshold, certificate.losses, certificate.n) == (0.5, 5, 100)
    assert certificate.problems == 100
    assert "90%" in str(certificate)
    assert "at most 0.1" in str(certificate)


def test_marginal_promises_have_no_delta():
    assert certify(SplitConformal(0.1), losses(100, 0, 5), GRID).delta is None


def test_not_certified_is_said_aloud_with_the_number_needed():
    certificate = certify(LearnThenTest(0.05, 0.1), losses(40), GRID)
    assert certificate.threshold == math.inf
    assert certificate.problems == 45
    assert "never exit" in str(certificate)
    assert "45 problems, 5 more" in str(certificate)


def test_not_certifiable_at_this_rate():
    certificate = certify(LearnThenTest(0.05, 0.1), losses(40, 4, 4), GRID)
    assert certificate.problems == math.inf
    assert "will not help" in str(certificate)


@pytest.mark.parametrize("n", [40, 100])
def test_json_round_trip_is_strict_json(n):
    certificate = certify(LearnThenTest(0.05, 0.1), losses(n), GRID)
    text = certificate.to_json()
    assert "Infinity" not in text
    assert json.loads(text)["calibrator"] == "LearnThenTest"
    assert Certificate.from_json(text) == certificate


@pytest.mark.parametrize("text", ["{}", "[]", "not json", '{"threshold": 1, "problems": 2}'])
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match=r"certificate|Expecting"):
        Certificate.from_json(text)


def test_it_shows_itself_in_a_notebook() -> None:
    page = Certificate(0.9, 0.05, 0.1, 600, 20.0, "<b>", "at most 5 % <i>", 600)._repr_html_()
    assert "score of 0.9" in page
    assert "<i>" not in page
    never = Certificate(float("inf"), 0.05, 0.1, 6, 0.0, "LTT", "think on", 45)._repr_html_()
    assert "never exit" in never

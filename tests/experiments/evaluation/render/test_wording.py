import math
from dataclasses import replace

import pytest

from probexit.calibration.statistics.intervals import Interval
from probexit.experiments.evaluation.render import wording


def test_percent():
    assert wording.percent(Interval(0.812, 0.78, 0.842)) == "81.2 [78.0, 84.2]"
    assert wording.percent(Interval(-0.003, -0.015, 0.008), "+") == "-0.3 [-1.5, +0.8]"
    assert wording.percent(Interval(0.5, math.nan, math.nan)) == "50.0 [-, -]"


@pytest.mark.parametrize(("value", "text"), [(41.26, "41.3"), (999.9, "999.9"), (8344, "8,344")])
def test_tokens(value, text):
    assert wording.tokens(value) == text


def test_an_undefined_share():
    assert wording.share(math.nan) == "-"


def test_threshold_and_promise(compared):
    row = compared.row("probe", "certified 5 %")
    assert wording.promise(row) == "5 %"
    assert wording.threshold(replace(row, threshold=math.inf)) == "never"
    assert wording.threshold(compared.row("full_run")) == "-"


def test_every_loss_has_words(compared):
    from probexit.experiments.registry import members

    assert set(members("probexit.experiments.risk_control.losses")) == set(wording.LOSSES)
    assert wording.loss(replace(compared, loss="lost_correct")) == wording.LOSSES["lost_correct"]

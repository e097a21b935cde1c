import math
from dataclasses import replace

import pytest

from probexit.calibration.intervals import Interval
from probexit.experiments.comparison import words


def test_percent():
    assert words.percent(Interval(0.812, 0.78, 0.842)) == "81.2 [78.0, 84.2]"
    assert words.percent(Interval(-0.003, -0.015, 0.008), "+") == "-0.3 [-1.5, +0.8]"
    assert words.percent(Interval(0.5, math.nan, math.nan)) == "50.0 [-, -]"


@pytest.mark.parametrize(("value", "text"), [(41.26, "41.3"), (999.9, "999.9"), (8344, "8,344")])
def test_tokens(value, text):
    assert words.tokens(value) == text


def test_an_undefined_share():
    assert words.share(math.nan) == "-"


def test_threshold_and_promise(compared):
    row = compared.row("probe", "certified 5 %")
    assert words.promise(row) == "5 %"
    assert words.threshold(replace(row, threshold=math.inf)) == "never"
    assert words.threshold(compared.row("full_run")) == "-"


def test_every_loss_has_words(compared):
    from probexit.experiments.find import members

    assert set(members("probexit.experiments.losses")) == set(words.LOSSES)
    assert words.loss(replace(compared, loss="lost_correct")) == words.LOSSES["lost_correct"]

"""The look-ahead figure."""

import io

import numpy as np
from matplotlib.image import imread

from probexit.calibration.statistics.intervals import Interval
from probexit.experiments.evaluation.figures import look_ahead, style
from probexit.experiments.fitting.look_ahead import UNKNOWN, LookAhead

FALLING = tuple(Interval(0.9 - 0.1 * j, 0.87 - 0.1 * j, 0.93 - 0.1 * j) for j in range(4))


def test_both_curves_are_drawn_and_named(texts):
    figure = look_ahead.draw(LookAhead(FALLING, (UNKNOWN, *FALLING[1:]), (9, 8, 7, 6)))
    assert {"any answer", "an answer not yet given", "guessing"} <= texts(figure)
    drawn = {line.get_color() for line in figure.axes[0].lines}
    assert {style.BLUE, style.VERMILLION} <= drawn
    image = imread(io.BytesIO(style.png(figure)))[..., :3]
    edge = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    assert (edge > 0.95).all()  # nothing is cut off
    assert 0.002 < (image.min(-1) < 0.5).mean() < 0.6


def test_a_distance_that_is_not_known_is_not_drawn(texts):
    nothing = LookAhead(FALLING[:1], (UNKNOWN,), (9,))
    named = texts(look_ahead.draw(nothing))
    assert "any answer" in named
    assert "an answer not yet given" not in named

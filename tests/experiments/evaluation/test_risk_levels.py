"""Risk against level: it is the table's row at the table's level, and it rises with the level."""

import math
from dataclasses import replace
from itertools import pairwise

from probexit.experiments.evaluation.results import Comparison
from probexit.experiments.evaluation.risk_levels import by_level
from probexit.experiments.methods.core.context import Context


def test_a_point_is_the_row_of_the_table(context: Context, compared: Comparison) -> None:
    for row in compared.rows:
        if row.method == "probe" and row.promised is not None:
            (point,) = by_level(context, [row.promised])
            assert point.threshold == row.threshold
            assert point.risk == row.measures.risk
            assert point.saved.estimate == row.measures.saved.estimate


def test_a_laxer_level_is_never_stricter(context: Context) -> None:
    points = by_level(context, (0.001, 0.02, 0.1, 0.3))
    assert all(a.threshold >= b.threshold for a, b in pairwise(points))
    assert all(a.risk.estimate <= b.risk.estimate for a, b in pairwise(points))
    assert points[-1].risk.estimate > 0


def test_what_cannot_be_certified_loses_and_saves_nothing(context: Context) -> None:
    few = replace(context.splits, calibrate=context.splits.calibrate[:10])
    (point,) = by_level(replace(context, splits=few), [0.01])
    assert math.isinf(point.threshold)
    assert point.risk.estimate == point.saved.estimate == 0

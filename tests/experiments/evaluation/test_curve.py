import numpy as np
import pytest

from probexit.experiments.evaluation.curve import Curve
from probexit.experiments.evaluation.metrics import Metrics
from probexit.experiments.methods.hidden_states.probe import ProbePreset


@pytest.fixture
def curve(tiny):
    sweep = ProbePreset().sweep(tiny)
    trace_results = sweep.trace_results(tiny.splits.test, tiny.exit_values)
    ruler = Metrics.of(tiny.splits.test, tiny.exit_values)
    return Curve.of(sweep.grid.double().numpy(), trace_results, ruler)


def test_by_hand(curve):
    """Thresholds .9, .7, .5, .1; only the second trace loses, from .7 on, and all do at .1."""
    assert curve.risk.estimate.tolist() == [0, 0.25, 0.25, 0.5]
    assert curve.thinking.estimate.tolist() == [
        (30 + 20 + 35 + 25) / 4,
        (30 + 10 + 30 + 25) / 4,
        (20 + 10 + 30 + 25) / 4,
        10,
    ]
    assert curve.accuracy.estimate.tolist() == [0.5, 0.5, 0.5, 0]


def test_each_point_is_the_row_at_that_threshold(compared):
    curve, row = compared.curves["probe (ours)"], compared.row("probe", "certified 5 %")
    at = int(np.argmax(curve.thresholds == row.threshold))
    assert curve.risk.estimate[at] == pytest.approx(row.measures.risk.estimate)
    assert curve.total.estimate[at] == pytest.approx(row.measures.total.estimate)
    assert curve.saved.low[at] == pytest.approx(row.measures.saved.low)
    assert curve.saved_total.high[at] == pytest.approx(row.measures.saved_total.high)


def test_at_risk_takes_what_saves_most(curve):
    assert curve.at_risk(0.0) == 0
    assert curve.at_risk(0.3) == 2
    assert curve.at_risk(1.0) == 3


def test_at_risk_of_a_curve_that_always_loses(compared):
    curve = compared.curves["random exit"]
    assert curve.at_risk(-0.1) is None

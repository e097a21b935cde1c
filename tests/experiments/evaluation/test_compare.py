import math
from dataclasses import replace

import pytest

from probexit.experiments.evaluation.compare import compare
from probexit.experiments.fitting.splits import Splits
from probexit.experiments.methods.core.accounting import START
from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.hidden_states.lynx_calibration import LynxCalibration
from probexit.experiments.methods.hidden_states.probe import ProbePreset
from probexit.experiments.methods.reference.full_run import FullRun
from probexit.experiments.methods.reference.oracle import Oracle


def test_every_number_of_a_row_by_hand(tiny):
    row = compare(tiny).row("probe", "certified 5 %")
    assert row.exits == (1, 0, 2, -1)
    assert row.exited == 0.75
    assert row.threshold == 0.5
    measures = row.measures
    assert measures.accuracy.estimate == 2 / 4  # kept, lost, gained, never right
    assert measures.change.estimate == (2 - 2) / 4
    assert measures.thinking.estimate == (20 + 10 + 30 + 25) / 4
    assert measures.probing == (2 + 1 + 3 + 2) / 4
    assert measures.total.estimate == (85 + 8 + 3 * (3 + 2) + 7) / 4
    full, oracle = 35 + 25 + 35 + 25, 20 + 20 + 30 + 25
    assert measures.saved.estimate == (full - 85) / full
    assert measures.oracle_share.estimate == (full - 85) / (full - oracle)
    assert measures.risk.estimate == 1 / 4


def test_against_a_naive_loop(context, compared):
    """Every row again, trace by trace, from the recorded fields."""
    traces = context.splits.test
    for row in compared.rows:
        right = loss = thinking = 0
        for trace, place in zip(traces, row.exits, strict=True):
            at = None if place < 0 else place
            good = bool(trace.start.correct[0]) if place == START else trace.correct_at(at)
            right += good
            loss += trace.correct and not good
            thinking += 0 if place == START else trace.thinking_at(at)
        n = len(traces)
        full = sum(trace.correct for trace in traces)
        assert row.measures.change.estimate == pytest.approx((right - full) / n)
        assert row.measures.accuracy.estimate == pytest.approx(right / n)
        assert row.measures.risk.estimate == pytest.approx(loss / n)
        assert row.measures.thinking.estimate == pytest.approx(thinking / n)


def test_the_full_run_and_the_oracle_frame_the_table(compared):
    full, oracle = compared.row("full_run").measures, compared.row("oracle").measures
    assert (full.change.estimate, full.oracle_share.estimate) == (0, 0)
    assert (oracle.oracle_share.low, oracle.oracle_share.high) == (1, 1)
    assert full.risk.estimate == oracle.risk.estimate == 0


def test_pairing_shortens_the_interval(compared):
    """The change of a rule that seldom differs is known better than its accuracy is."""
    row = compared.row("probe", "certified 2 %").measures
    assert row.change.high - row.change.low < 0.7 * (row.accuracy.high - row.accuracy.low)


def test_our_rule_is_shown_at_every_risk_the_others_at_one(compared):
    promised = {}
    for row in compared.rows:
        promised.setdefault(row.method, []).append(row.promised)
    assert promised["probe"] == [0.02, 0.05, 0.1]
    assert promised["trial_confidence"] == [None, 0.05]
    assert promised["lynx_calibration"] == [None, None]


def test_rows_come_by_family(compared):
    order = [family.value for family in MethodFamily]
    places = [order.index(row.family) for row in compared.rows]
    assert places == sorted(places)


def test_what_cannot_be_applied_is_named(tiny, all_graded):
    splits = tiny.splits
    right = [all_graded(trace, True) for trace in splits.calibrate]
    easy = replace(tiny, splits=Splits(splits.fit, right, splits.test))
    found = compare(easy, {"full_run": FullRun(), "lynx": LynxCalibration()})
    assert [row.method for row in found.rows] == ["full_run"]
    assert "harder problems" in found.skipped["LYNX calibration"]


def test_at_equal_risk_our_threshold_is_certified_the_others_are_kind(compared):
    ours = compared.row("probe", "certified 5 %")
    points = {point.title: point for point in compared.equal_risk}
    assert points["probe (ours)"].threshold == ours.threshold
    assert points["probe (ours)"].saved == pytest.approx(ours.measures.saved.estimate)
    for point in compared.equal_risk:
        assert point.risk <= ours.measures.risk.estimate
        if point.title != ours.title:
            curve = compared.curves[point.title]
            allowed = curve.risk.estimate <= ours.measures.risk.estimate
            assert point.saved == curve.saved.estimate[allowed].max()
    # a budget spends nothing on probing; a trial answer does
    assert points["fixed budget"].saved - points["fixed budget"].saved_total < 0.05
    assert points["trial answer"].saved - points["trial answer"].saved_total > 0.2


def test_nothing_at_equal_risk_where_ours_is_not_certified(tiny):
    strict = replace(tiny, alpha=0.001, alphas=(0.001,))
    found = compare(strict, {"full_run": FullRun(), "probe": ProbePreset(), "oracle": Oracle()})
    assert found.equal_risk == ()
    assert found.row("probe").threshold == math.inf
    assert found.row("probe").promised is None


def test_a_smarter_probe_saves_more_than_knowing_nothing(compared):
    points = {point.title: point.saved for point in compared.equal_risk}
    assert points["probe (ours)"] > 2 * points["random exit"]


def test_no_test_problems(tiny):
    with pytest.raises(ValueError, match="no test problems"):
        compare(replace(tiny, splits=Splits(tiny.splits.fit, tiny.splits.calibrate, [])))

"""A promise is taken elsewhere: kept where nothing changed, reported broken where it did."""

import csv
import io
import json
from dataclasses import replace

import pytest

from probexit.experiments.evaluation.render.transfer import as_csv, as_json, as_text, verdict
from probexit.experiments.evaluation.transfer import AGAIN, UNCHANGED, Target, transfer


def lifted(trace):
    """The same trace, but every cue looks right to the probe."""
    hidden = trace.cues.hidden.clone()
    hidden[..., 0] += 3
    return replace(trace, cues=replace(trace.cues, hidden=hidden))


@pytest.fixture(scope="module")
def elsewhere(make_traces):
    """400 problems that the rule has not seen."""
    return [replace(trace, problem=f"new {trace.problem}") for trace in make_traces(400, 7)]


@pytest.fixture(scope="module")
def rows(context, elsewhere):
    here = Target("same", "arith, T = 1", elsewhere, context.probe, context.closing)
    moved = replace(here, name="shifted", traces=[lifted(trace) for trace in elsewhere])
    return transfer(context, [here, moved])


def by(rows, target, stage):
    (found,) = [row for row in rows if (row.target, row.stage) == (target, stage)]
    return found


def test_the_same_distribution_keeps_its_promise(rows):
    same = by(rows, "same", UNCHANGED)
    assert same.certified == 0.05
    assert not same.broken
    assert same.measures.risk.estimate <= 0.05
    assert same.measures.saved.estimate > 0.2  # or nothing would have been risked


def test_a_shifted_one_breaks_it_and_is_named(rows):
    shifted = by(rows, "shifted", UNCHANGED)
    assert shifted.broken
    assert shifted.measures.risk.low > 0.05
    text = as_text(rows)
    assert "warning: shifted (arith, T = 1), unchanged: the certified risk of 5 % is broken" in text
    assert text.count("warning: ") == 1


def test_re_calibrated_there_it_is_kept_again(rows):
    again = by(rows, "shifted", AGAIN)
    assert again.calibration == 100
    assert again.problems == 300 == by(rows, "shifted", UNCHANGED).problems
    assert again.threshold > by(rows, "shifted", UNCHANGED).threshold
    assert not again.broken
    assert again.measures.saved.estimate > 0.1


def test_both_are_measured_on_the_same_full_run(rows):
    assert by(rows, "same", AGAIN).full == pytest.approx(by(rows, "same", UNCHANGED).full)


def test_the_threshold_at_home_is_the_one_of_the_table(rows, context, compared):
    certified = compared.row("probe", "certified 5 %").threshold
    assert {row.threshold for row in rows if row.stage == UNCHANGED} == {certified}


def test_without_re_calibration_all_problems_test(context, elsewhere):
    target = Target("same", "", elsewhere, context.probe, context.closing)
    (row,) = transfer(context, [target], recalibrate=0)
    assert (row.stage, row.problems) == (UNCHANGED, 400)


def test_too_few_to_certify_again_thinks_on(context, elsewhere):
    target = Target("same", "", elsewhere, context.probe, context.closing)
    again = transfer(context, [target], recalibrate=10)[1]
    assert (again.threshold, again.certified, verdict(again)) == (float("inf"), None, "none")
    assert again.measures.saved.estimate == 0


def test_too_few_problems(context, elsewhere):
    target = Target("few", "", elsewhere[:105], context.probe, context.closing)
    with pytest.raises(ValueError, match="few has 105 problems that the rule has not seen: rec"):
        transfer(context, [target])


def test_an_interval_that_reaches_across_tells_nothing(rows):
    row = by(rows, "same", UNCHANGED)
    risk = replace(row.measures.risk, low=0.03, high=0.07)
    assert verdict(replace(row, measures=replace(row.measures, risk=risk))) == "open"


def test_files_hold_every_row(rows):
    assert max(map(len, as_text(rows).splitlines())) <= 120
    records = list(csv.DictReader(io.StringIO(as_csv(rows))))
    assert [record["target"] for record in records] == [row.target for row in rows]
    assert float(records[2]["risk_low"]) == rows[2].measures.risk.low
    assert records[2]["broken"] == "True"
    assert json.loads(as_json(rows))[2]["measures"]["risk"]["low"] == rows[2].measures.risk.low

"""What is said of a table, on tables made up so that one knows what ought to be said."""

import math
from dataclasses import replace

import pytest

from probexit.calibration.statistics.intervals import Interval
from probexit.experiments.evaluation.findings import Ranking, published, sentences


@pytest.fixture
def rule(compared):
    """``rule("a", saved=.3, risk=.01)``: a row whose intervals are its estimate +- .01."""
    base = compared.row("trial_confidence", "published 0.95")

    def make(name, saved, risk, **changes):
        def about(value):
            return Interval(value, value - 0.01, value + 0.01)

        measures = replace(base.measures, saved_total=about(saved), risk=about(risk))
        return replace(base, method=name, title=name, label="", measures=measures, **changes)

    return make


@pytest.fixture
def table(compared, rule):
    """Common risk 5 %: "a" wins, "b" ties, "c" saves less, "d" loses, "e" costs."""
    rows = (
        rule("d", 0.60, 0.09),
        rule("c", 0.10, 0.00, promised=0.05, family="logits"),
        rule("a", 0.30, 0.03),
        rule("b", 0.29, 0.03),
        rule("e", -0.20, 0.01),
    )
    return replace(compared, rows=rows)


def test_ranking_needs_the_whole_interval_below_the_common_risk(table):
    ranking = Ranking.of(table)
    assert [row.method for row in ranking.kept] == ["a", "b", "c"]
    assert ranking.lost == ("d", "e")
    assert [row.method for row in ranking.ties()] == ["b"]
    assert {family: rank for family, (rank, _) in ranking.by_family().items()} == {
        "trial answers": 1,
        "logits": 3,
    }


def test_a_risk_at_the_limit_is_not_below_it(table, rule):
    edge = rule("edge", 0.9, 0.04)  # up to .05
    ranking = Ranking.of(replace(table, rows=(edge,)))
    assert ranking.kept == ()
    assert "no rule both saves tokens" in sentences(replace(table, rows=(edge,)))[0]


def test_a_promise_is_believed_unless_what_is_seen_contradicts_it(table, rule):
    rows = (
        rule("held", 0.5, 0.045, promised=0.05),
        rule("broken", 0.6, 0.07, promised=0.05),
        rule("laxer", 0.7, 0.045, promised=0.1),
    )
    assert [row.method for row in Ranking.of(replace(table, rows=rows)).kept] == ["held"]


def test_the_best_operating_point_of_a_rule_counts_once(table, rule):
    rows = (rule("a", 0.2, 0.0), rule("a", 0.3, 0.0), rule("a", 0.6, 0.5))
    (best,) = Ranking.of(replace(table, rows=rows)).kept
    assert best.measures.saved_total.estimate == 0.3


def test_bounds_and_the_full_run_are_not_ranked(compared):
    ranked = {row.method for row in Ranking.of(compared).kept} | set(Ranking.of(compared).lost)
    assert not ranked & {"oracle", "full_run", "no thinking", "no_thinking"}
    assert "probe" in ranked


def test_who_may_abstain_is_not_ranked(table, rule):
    silent = rule("silent", 0.9, 0.0, family="answer or abstain")
    assert Ranking.of(replace(table, rows=(silent,))) == Ranking((), ())


def test_sentences(table):
    said = " ".join(sentences(table))
    assert "**a** saves most: 30.0 [29.0, 31.0] % of all tokens" in said
    assert "Not told apart from it by these problems: b (29 %)" in said
    assert "the same promise, 5 %, these save most of all tokens: c (10 %)" in said
    assert "the whole interval above it: d (9.0 [8.0, 10.0] %)" in said
    assert "cost more tokens than thinking to the end, their probing paid for: e" in said


def test_what_could_not_be_certified_is_named(table, rule):
    never = rule("f", 0.0, 0.0, threshold=math.inf)
    assert "Nothing could be certified for: f." in sentences(replace(table, rows=(never,)))


def test_published_points_stand_beside_the_certified_one(compared):
    pairs = [(row, best) for row, best in published(compared) if row.method == "trial_confidence"]
    assert [(row.label, best.label) for row, best in pairs] == [("published 0.95", "certified 5 %")]
    assert all(row.promised is None for row, _ in published(compared))

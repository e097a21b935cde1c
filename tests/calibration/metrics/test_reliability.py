import math

import numpy as np
import pytest

from probexit.calibration.metrics.inputs import Scored
from probexit.calibration.metrics.reliability import (
    adaptive_ece,
    brier,
    brier_parts,
    ece,
    equal_mass,
    equal_width,
    reliability_diagram,
)
from probexit.calibration.statistics.bootstrap import Resampling

RNG = np.random.default_rng(0)
P = RNG.random(20_000)
LABELS = (RNG.random(20_000) < P).astype(int)
METRICS = pytest.mark.parametrize("metric", [brier, ece, adaptive_ece])


def test_brier_by_hand():
    assert math.isclose(brier([0.9, 0.2], [1, 1]), (0.01 + 0.64) / 2)


def test_ece_by_hand():
    # Bin (.8, .9]: two cues, mean score .85, frequency .5. Bin (.1, .2]: one, .2 against 0.
    assert math.isclose(ece([0.8001, 0.8999, 0.2], [1, 0, 0]), (2 * 0.35 + 0.2) / 3)


def test_adaptive_ece_by_hand():
    scores, labels = [0.1, 0.2, 0.3, 0.9], [0, 1, 1, 1]
    assert math.isclose(adaptive_ece(scores, labels, bins=2), (0.35 + 0.4) / 2)


@pytest.mark.parametrize("metric", [ece, adaptive_ece])
def test_calibrated_scores_have_a_small_error_and_others_theirs(metric):
    assert metric(P, LABELS) < 0.015
    assert abs(metric(P, 1 - LABELS) - 0.5) < 0.02  # E |1 - 2p| = 0.5
    assert abs(metric(P**2, LABELS) - 1 / 6) < 0.015  # E (p - p^2) = 1/6


@METRICS
def test_a_weight_is_a_repetition(metric):
    scores, labels = P[:100], LABELS[:100]
    counts = RNG.integers(4, size=100)
    repeated = metric(np.repeat(scores, counts), np.repeat(labels, counts))
    assert math.isclose(metric(scores, labels, counts), repeated)


@METRICS
def test_one_class_is_fine_and_a_perfect_score_gets_zero(metric):
    assert metric([1.0, 1.0], [1, 1]) == 0
    assert metric([0.0, 1.0], [0, 1]) == 0
    assert metric([1.0, 0.0], [0, 1]) == 1


@METRICS
@pytest.mark.parametrize("scores", [[], [1.5], [-0.1], [np.nan]])
def test_what_is_no_probability_is_refused(metric, scores):
    with pytest.raises(ValueError, match="scores"):
        metric(scores, [1] * len(scores))


@pytest.mark.parametrize("binning", [equal_width, equal_mass])
def test_bins_are_counted(binning):
    with pytest.raises(ValueError, match="at least one bin"):
        binning(Scored.of([0.5], [1]), 0)


def test_edges_belong_to_the_bin_below():
    data = Scored.of(np.linspace(0, 1, 11), np.zeros(11))
    assert equal_width(data, 10).tolist() == [0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]


def test_equal_mass_bins_hold_as_much_and_never_part_ties():
    data = Scored.of(P[:1000], LABELS[:1000])
    assert set(np.bincount(equal_mass(data, 10))) == {100}
    tied = Scored.of([0.1, 0.5, 0.5, 0.5, 0.9], [0, 0, 1, 1, 1])
    assert equal_mass(tied, 5).tolist() == [0, 2, 2, 2, 4]


@pytest.mark.parametrize("bins", [1, 4, 10])
def test_brier_parts_add_up(bins):
    weights = RNG.integers(3, size=500)
    parts = brier_parts(P[:500], LABELS[:500], weights, bins)
    total = parts.reliability - parts.resolution + parts.uncertainty + parts.within_bin
    assert math.isclose(total, brier(P[:500], LABELS[:500], weights))


def test_murphy_has_three_parts_when_a_bin_holds_one_score():
    scores, labels = np.repeat([0.25, 0.75], 4), [0, 0, 0, 1, 1, 1, 0, 0]
    parts = brier_parts(scores, labels)
    # Frequencies .25 and .5 about a rate of .375.
    assert math.isclose(parts.reliability, (0 + 0.25**2) / 2)
    assert math.isclose(parts.resolution, 0.125**2)
    assert math.isclose(parts.uncertainty, 0.375 * 0.625)
    assert abs(parts.within_bin) < 1e-15


def test_diagram_of_calibrated_scores_covers_the_diagonal():
    problems = np.repeat(np.arange(1000), 20)
    diagram = reliability_diagram(P, LABELS, problems, resampling=Resampling(draws=300))
    assert diagram.count.sum() == len(P)
    assert (diagram.low < diagram.frequency).all()
    assert (diagram.frequency < diagram.high).all()
    assert ((diagram.low <= diagram.score) & (diagram.score <= diagram.high)).sum() >= 8
    assert np.allclose(diagram.score, diagram.edges[:-1] + 0.05, atol=0.005)


def test_diagram_band_is_wider_where_cues_of_a_problem_agree():
    groups = np.repeat(np.arange(500), 4)
    once = reliability_diagram(P[:2000], LABELS[:2000], np.arange(2000))
    copies = reliability_diagram(P[:500][groups], LABELS[:500][groups], groups)
    assert np.mean(copies.high - copies.low) > 1.6 * np.mean(once.high - once.low)  # sqrt(4)


def test_empty_bin_is_nan_and_a_bin_of_one_problem_has_no_band():
    diagram = reliability_diagram([0.05, 0.06, 0.95], [0, 0, 1], [0, 1, 2])
    assert diagram.count.tolist() == [2, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    assert np.isnan(diagram.frequency[1:9]).all()
    assert np.isnan(diagram.low[9])  # a third of the draws leave this bin empty
    assert diagram.frequency[9] == 1

import numpy as np
import pytest

from probexit.calibration.per_cue.mapie_split_conformal import MapieSplitConformal
from probexit.calibration.statistics.bounds import rank


def cues(rng, n):
    scores = rng.random(n)
    return scores, rng.random(n) < scores


@pytest.mark.parametrize("n", [30, 200, 501])
def test_quantile_is_the_pooled_conformal_rank(n):
    scores, safe = cues(np.random.default_rng(n), n)
    rule = MapieSplitConformal(0.1).calibrate(scores, safe)
    nonconformity = np.sort(np.where(safe, 1 - scores, scores))
    assert rule.q_pos == rule.q_neg == pytest.approx(nonconformity[rank(n, 0.1) - 1])


def test_sets_cover_the_label_of_a_cue():
    rng, held = np.random.default_rng(0), []
    for _ in range(300):
        rule = MapieSplitConformal(0.1).calibrate(*cues(rng, 99))
        scores, safe = cues(rng, 200)
        held.append(np.where(safe, 1 - scores <= rule.q_pos, scores <= rule.q_neg).mean())
    assert 0.9 - 3 * np.std(held) / np.sqrt(300) <= np.mean(held) < 0.93


def test_bad_input():
    with pytest.raises(ValueError, match="one number per cue"):
        MapieSplitConformal().calibrate([0.5], [True, False])
    with pytest.raises(ValueError, match="delta"):
        MapieSplitConformal(delta=0)

"""The tuned stop of Draft & Verify: the published trace, and that it moves while writing."""

import pytest

from probexit.exits.depth.modes.tuned_stop import DraftStop


def test_the_published_rounds():
    rounds = [(4, 4)] * 5 + [(2, 4), (8, 8)]
    expected = [
        (0.5, 0.801),
        (0.75, 0.802),
        (0.875, 0.803),
        (0.9375, 0.802),
        (0.96875, 0.801),
        (0.734375, 0.802),
        (0.867188, 0.803),
    ]
    stop, found = DraftStop(0.8), []
    for accepted, drafted in rounds:
        stop = stop.after(accepted, drafted, 8)
        found.append((stop.accepted, stop.threshold))
    assert found == [pytest.approx(pair, abs=1e-6) for pair in expected]


def test_where_all_drafts_are_made_and_accepted_it_stays():
    assert DraftStop(0.7, accepted=1.0).after(8, 8, 8).threshold == pytest.approx(0.7)


def test_where_drafts_are_rejected_it_grows_sterner():
    stop = DraftStop(0.5)
    for _ in range(50):
        stop = stop.after(0, 4, 8)
    assert stop.threshold == pytest.approx(0.55)
    assert stop.accepted == 0

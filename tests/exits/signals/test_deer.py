import math

import pytest

from probexit.exits.signals.deer import DeerArithmetic
from probexit.exits.signals.deer_geometric import DeerGeometric
from probexit.exits.signals.trial_confidence import TrialConfidence

LOGS = [[math.log(p) for p in row] for row in ([0.5, 0.9, 0.4], [0.2, 0.8], [0.7], [])]


@pytest.fixture
def trace(answers):
    return answers(["a", "b", "c", ""], LOGS)


@pytest.mark.parametrize(
    ("signal", "expected"),
    [
        (DeerArithmetic(), [0.6, 0.5, 0.7, 0]),
        (DeerArithmetic(skip=1), [0.65, 0.8, 0.7, 0]),  # a single token is never left out
        (DeerGeometric(), [0.18 ** (1 / 3), 0.4, 0.7, 0]),
        (DeerGeometric(skip=1), [0.6, 0.8, 0.7, 0]),
        (DeerArithmetic(skip=2), [0.4, 0.5, 0.7, 0]),
    ],
)
def test_by_hand(trace, signal, expected):
    assert signal.scores(trace).tolist() == pytest.approx(expected)


def test_the_geometric_mean_of_all_tokens_is_the_generic_confidence(trace):
    expected = TrialConfidence().scores(trace).tolist()
    assert DeerGeometric().scores(trace).tolist() == pytest.approx(expected)


@pytest.mark.parametrize("member", [DeerArithmetic, DeerGeometric])
def test_after_ten_trials_there_is_no_score_and_no_cost(answers, member):
    trace = answers(["7"] * 12)
    assert member().scores(trace).tolist() == [1.0] * 10 + [-math.inf] * 2
    assert member(closing=3).cost(trace).tolist() == [4] * 10 + [0] * 2


@pytest.mark.parametrize("settings", [{"limit": -1}, {"skip": -1}])
def test_negative_counts_are_refused(settings):
    with pytest.raises(ValueError, match="must not be negative"):
        DeerArithmetic(**settings)

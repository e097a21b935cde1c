"""Bayesian optimisation finds in few trials what as many random trials do not."""

import numpy as np

from probexit.exits.depth.tuning.bayesian import BayesianSearch, Choices

BEST = np.random.default_rng(0).random(20) < 0.5


def value(choices: Choices) -> float:
    return float((choices == BEST).mean())


def test_it_beats_random_trials() -> None:
    begin = [np.zeros(20, bool), np.ones(20, bool)]
    found, its = BayesianSearch(trials=60).best(value, begin)
    assert its == value(found) > 0.9
    at_random = np.random.default_rng(1).random((60, 20)) < 0.5
    assert max(value(choices) for choices in at_random) < its
    again, _ = BayesianSearch(trials=60).best(value, begin)
    assert (again == found).all()

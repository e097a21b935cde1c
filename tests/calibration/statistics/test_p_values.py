import numpy as np
import pytest

from probexit.calibration.statistics.p_values import WSR, Binomial, HoeffdingBentkusTail


@pytest.mark.parametrize("test", [Binomial(), HoeffdingBentkusTail(), WSR()])
def test_p_values_are_valid_at_the_border(test):
    """At a risk of exactly alpha, p <= d happens at most d of the time, and not never."""
    losses = (np.random.default_rng(0).random((150, 4000)) < 0.1).astype(float)
    p = test.of(losses, 0.1)
    for d in (0.05, 0.1, 0.3):
        assert (p <= d).mean() <= d + 3 * np.sqrt(d * (1 - d) / 4000)
    assert (p <= 0.3).mean() > 0.02


def test_binomial_is_sharpest_for_failures():
    losses = (np.random.default_rng(1).random((200, 50)) < 0.05).astype(float)
    assert (Binomial().of(losses, 0.1) <= HoeffdingBentkusTail().of(losses, 0.1)).all()


def test_wsr_is_sharper_when_the_losses_vary_little():
    losses = np.full((200, 1), 0.05)
    assert WSR().of(losses, 0.1) < HoeffdingBentkusTail().of(losses, 0.1)


def test_binomial_refuses_fractions_and_names_the_remedy():
    with pytest.raises(ValueError, match="HoeffdingBentkusTail"):
        Binomial().of(np.array([[0.5]]), 0.1)

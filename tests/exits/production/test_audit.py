import pytest
from scipy.stats import binom

from probexit.exits.production.audit import EVEN, Audit

IDS = [f"request {i}" for i in range(5000)]
CHOSEN = [10, 11, 17, 24, 27, 28, 33, 34, 36, 39]


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.5])
def test_the_share_audited_is_the_rate(rate: float) -> None:
    for seed in range(5):
        chosen = sum(Audit(rate, seed).chooses(request) for request in IDS)
        low, high = binom.interval(0.999, len(IDS), rate)
        assert low <= chosen <= high


def test_no_rate_and_full_rate() -> None:
    assert not any(Audit(0.0).chooses(request) for request in IDS)
    assert all(Audit(1.0).chooses(request) for request in IDS)


def test_a_higher_rate_keeps_the_audited() -> None:
    few, more = ({r for r in IDS if Audit(rate).chooses(r)} for rate in (0.1, 0.3))
    assert few < more


def test_seeds_choose_independently() -> None:
    one, other = ({r for r in IDS if Audit(0.5, seed).chooses(r)} for seed in (0, 1))
    assert 0.2 < len(one & other) / len(IDS) < 0.3


def test_the_choice_is_fixed_for_ever() -> None:
    """Another version must not audit other requests."""
    chosen = [i for i in range(40) if Audit(0.2).chooses(f"r{i}")]
    assert chosen == CHOSEN


def test_bad_settings() -> None:
    with pytest.raises(ValueError, match=r"rate=1\.5"):
        Audit(1.5)
    with pytest.raises(ValueError, match="strict to lax"):
        Audit(grid=EVEN[::-1])

import pytest

from probexit.hooks.cues.every_k import EveryK


def test_counts_multiples_and_reads_no_text():
    assert [t for t in range(1, 20) if EveryK(6).counts(t)] == [6, 12, 18]
    assert EveryK(6).fires("wait ", 5, 6)
    assert not EveryK(6).fires("wait ", 5, 7)


@pytest.mark.parametrize("k", [0, -3])
def test_k_is_at_least_one(k):
    with pytest.raises(ValueError, match="at least 1 token"):
        EveryK(k)

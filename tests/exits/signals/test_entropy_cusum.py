from dataclasses import replace

import pytest
import torch

from probexit.exits.signals.entropy_cusum import EntropyCusum


@pytest.fixture
def trace(answers):
    """Cues at tokens 2, 4, 6 and 8; the thinking begins at token 1."""
    entropies = torch.tensor([0.0, 2.0, 0.0, 0.0, 0.5, 3.0, 1.0, 0.2, 0.0, 9.0])
    made = replace(answers("abcd"), begins=1, entropies=entropies)
    return replace(made, cues=replace(made.cues, positions=torch.tensor([2, 4, 6, 8])))


def test_pages_sum_by_hand(trace):
    # 1 - H: [-1, 1 | 1, .5 | -2, 0 | .8, 1]; restarts at 0, not below it
    assert EntropyCusum(1.0).scores(trace).tolist() == pytest.approx([1.0, 2.5, 0.5, 2.3])


def test_equals_the_recursion(answers):
    entropies = torch.rand(400)
    made = replace(answers("a" * 40), entropies=entropies)
    made = replace(made, cues=replace(made.cues, positions=torch.arange(9, 400, 10)))
    total, sums = 0.0, []
    for h in entropies.tolist():
        total = max(0.0, total + 0.45 - h)
        sums.append(total)
    assert EntropyCusum(0.45).scores(made).tolist() == pytest.approx(sums[9::10], abs=1e-5)


def test_a_lower_reference_is_never_sooner(trace):
    lax, strict = EntropyCusum(1.0).scores(trace), EntropyCusum(0.3).scores(trace)
    assert (strict <= lax).all()
    assert EntropyCusum(0.0).scores(trace).tolist() == [0.0] * 4  # no entropy lies below 0


@pytest.mark.parametrize("reference", [-0.1, float("inf"), float("nan")])
def test_refuses_what_is_no_entropy(reference):
    with pytest.raises(ValueError, match="reference="):
        EntropyCusum(reference)

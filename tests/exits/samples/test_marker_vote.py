"""The marker vote by hand: golden values of the reference."""

import pytest
import torch

from probexit.exits.samples.base import Sample, State
from probexit.exits.samples.marker_vote import FEATURES, MarkerVote, standardised

# lengths, and densities per 1,000 words of hedges, thinking and discourse markers
TABLE = torch.tensor([[1000.0, 2, 1, 12], [3000.0, 3, 2, 3], [2000.0, 5, 2, 4]]).double()


def test_the_score_is_the_signed_sum_of_z_scores() -> None:
    signs = torch.tensor(MarkerVote().signs, dtype=torch.float64)
    scores = standardised(TABLE) @ signs
    assert scores.tolist() == pytest.approx([5.114933, -2.492196, -2.622737], abs=1e-6)


def test_a_feature_in_which_all_are_alike_counts_nothing() -> None:
    assert standardised(torch.ones(3, 2).double()).abs().sum() == 0


def test_markers_are_whole_words_in_any_case() -> None:
    features = MarkerVote().features("So we awaited. Hmm, maybe; WAIT, I think so. Thus.", 9)
    found = dict(zip(FEATURES, features.tolist(), strict=True))
    words = 10
    assert found["length"] == 9
    assert found["hedging"] == pytest.approx(1000 * 2 / words)  # maybe, I think
    assert found["thinking"] == pytest.approx(1000 * 2 / words)  # not "awaited"
    assert found["discourse"] == pytest.approx(1000 * 3 / words)


def ended(text: str, tokens: int, state: State = State.FINISHED) -> Sample:
    return Sample(ids=[0] * tokens, tokens=tokens, state=state, text=text)


def test_the_short_sure_sample_outvotes_two_that_doubt() -> None:
    sure = ended("So it is 4. Thus 4.", 10)
    doubting = [ended("Wait, maybe 5. Hmm, perhaps 5. So 5.", n) for n in (40, 44)]
    weights = MarkerVote(k=3).weights([doubting[0], sure, doubting[1]])
    assert weights[1] > weights[0] + weights[2]
    assert sum(weights) == pytest.approx(1)
    blind = MarkerVote(k=3, signs=(0.0,) * 4).weights([doubting[0], sure, doubting[1]])
    assert blind == pytest.approx([1 / 3] * 3)  # without the idea the majority wins


def test_only_samples_that_ended_are_compared() -> None:
    cut = ended("So so so so.", 1, State.CUT)
    assert MarkerVote(k=2).weights([cut, ended("Hmm", 9)]) == [0.0, 1.0]


def test_a_weight_for_each_feature() -> None:
    with pytest.raises(ValueError, match="one weight for each"):
        MarkerVote(signs=(1.0,))

"""Each rule on a few samples whose outcome can be worked out by hand."""

import pytest
import torch

from probexit.exits.samples.base import Sample, State
from probexit.exits.samples.deepconf_vote import DeepConfVote
from probexit.exits.samples.pruning import FEATURES, Pruning, features
from probexit.exits.samples.short_m import ShortM
from probexit.exits.samples.vote import winner
from probexit.probes.base import Probe
from probexit.probes.random_direction import RandomDirection

RUNNING, FINISHED, CUT, STOPPED = State.RUNNING, State.FINISHED, State.CUT, State.STOPPED


def group(*states: State, tokens: list[int] | None = None) -> list[Sample]:
    lengths = tokens or [10] * len(states)
    return [Sample(tokens=n, state=s) for n, s in zip(lengths, states, strict=True)]


def test_short_m_stops_the_rest_at_the_mth_finisher() -> None:
    rule = ShortM(k=4, m=2)
    assert rule.stop(group(RUNNING, FINISHED, RUNNING, RUNNING)) == []
    assert rule.stop(group(RUNNING, FINISHED, CUT, RUNNING)) == []  # cut off is not finished
    assert rule.stop(group(RUNNING, FINISHED, FINISHED, RUNNING)) == [0, 3]


def test_short_m_lets_the_first_m_vote() -> None:
    done = group(FINISHED, FINISHED, STOPPED, FINISHED, tokens=[9, 7, 9, 9])
    assert ShortM(k=4, m=2).weights(done) == [1, 1, 0, 0]  # 0 and 3 finished with the same token
    assert ShortM(k=4, m=1).weights(done) == [0, 1, 0, 0]


def test_short_m_wants_a_possible_m() -> None:
    with pytest.raises(ValueError, match="m=5 must lie between 1 and k=4"):
        ShortM(k=4, m=5)


def sure(confidences: list[float], state: State) -> Sample:
    return Sample(confidences=confidences, tokens=len(confidences), state=state)


def test_deepconf_bar_is_the_published_percentile() -> None:
    rule = DeepConfVote(k=3, warm=2, window=2, keep=90)
    # least groups of two: (4 + 2) / 2 = 3 and 8; a tenth of the way from 3 to 8 is 3.5
    warm = [sure([9, 4, 2, 9], FINISHED), sure([8, 8], FINISHED)]
    assert rule.bar([*warm, Sample()]) == pytest.approx(3.5)
    strict = DeepConfVote(k=3, warm=2, window=2, keep=10)
    assert strict.bar([*warm, Sample()]) == pytest.approx(7.5)


def test_deepconf_stops_below_the_bar_and_only_after_the_warm_up() -> None:
    rule = DeepConfVote(k=4, warm=2, window=2, keep=90)
    warm = [sure([9, 4, 2, 9], FINISHED), sure([8, 8], FINISHED)]  # bar 3.5
    rest = [sure([9, 3, 3.9], RUNNING), sure([1, 6.2], RUNNING)]
    assert rule.stop([*warm, *rest]) == [2]  # 3.45 < 3.5 <= 3.6
    assert rule.stop([*warm, sure([1], RUNNING), rest[1]]) == []  # no whole group yet
    assert rule.stop([warm[0], sure([8, 8], RUNNING), *rest]) == []


def test_deepconf_votes_are_weighed_by_confidence() -> None:
    rule = DeepConfVote(k=4, warm=2, window=2, keep=90)
    warm = [sure([9, 4, 2, 9], FINISHED), sure([8, 8], FINISHED)]
    rest = [sure([6, 6], STOPPED), sure([6, 5, 9], FINISHED)]
    assert rule.weights([*warm, *rest]) == [0, 8, 0, 5.5]  # the first warm-up is under the bar


class Mean(RandomDirection):
    """Says how likely a token was on average: exp of the first feature."""

    def score(self, X: torch.Tensor) -> torch.Tensor:
        return X[..., 0].exp()


def unsure(p: float, tokens: int, state: State = RUNNING) -> Sample:
    logs = torch.full((tokens,), p).log().tolist()
    return Sample(logprobs=logs, entropies=logs, confidences=logs, tokens=tokens, state=state)


def test_pruning_stops_what_a_fresh_sample_would_better() -> None:
    probe: Probe = Mean()
    rule = Pruning(k=4, probe=probe, floor=0.6, at=(4,))
    four = [unsure(p, 4) for p in (0.5, 0.7, 0.2, 0.55)]
    assert rule.stop(four) == [2, 0, 3]
    assert rule.stop([unsure(0.1, 5) for _ in range(4)]) == []  # not the time to look
    four[1] = unsure(0.3, 4)
    assert rule.stop(four) == [2, 1, 0]  # none is good: the best one goes on
    assert rule.stop([*four[:3], unsure(0.9, 3, FINISHED)]) == [2, 1, 0]
    assert rule.stop([*four[:3], unsure(0.9, 3, CUT)]) == [2, 1]


def test_features_by_hand() -> None:
    found = features([-1.0, -3.0], [0.5, 1.5], [4.0, 8.0])
    assert found.tolist() == [-2.0, 1.0, 6.0, -3.0, 1.0, 6.0]
    assert len(found) == FEATURES


def same(a: str, b: str) -> bool:
    return a.lstrip("0") == b.lstrip("0")


@pytest.mark.parametrize(
    ("answers", "weights", "lengths", "expected"),
    [
        (["3", "4", "03"], [1, 1, 1], [9, 5, 8], 2),  # equal as the task sees it; the shorter one
        (["3", "4"], [1, 1], [9, 5], 1),  # a tie goes to the shortest
        (["3", "4", "4"], [5, 2, 2], [9, 1, 1], 0),
        (["", "4", "3"], [9, 1, 0], [1, 9, 9], 1),  # no answer is none, no weight no vote
        (["", "4"], [1, 0], [1, 9], None),
        ([], [], [], None),
    ],
)
def test_votes(
    answers: list[str], weights: list[float], lengths: list[int], expected: int | None
) -> None:
    assert winner(answers, weights, lengths, same) == expected

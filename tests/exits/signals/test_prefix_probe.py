import math
from dataclasses import replace

import pytest
import torch

from probexit.exits.signals.prefix_probe import PrefixProbe, prefix_features
from probexit.probes.logistic import Logistic

STEPS = ("Let me see. Wait,", " I await the know-how,", " hmm, WAIT,", "")


@pytest.fixture
def trace(answers):
    made = answers(["7", "8", " 8", ""], [[-0.2, -0.4], [-1.0], [-2.0], []])
    entropies = torch.tensor([[0.5, 0.3], [0.7, 0.0], [0.9, 0.0], [0.0, 0.0]])
    return replace(made, cues=replace(made.cues, steps=STEPS, answer_entropies=entropies))


def test_by_hand(trace):
    spent, index, logprob, entropy, match, run, vote, markers = prefix_features(
        trace, PrefixProbe.markers
    ).T
    assert spent.tolist() == [1, 6, 11, 16]
    assert index.tolist() == [1, 2, 3, 4]
    assert logprob.tolist() == pytest.approx([-0.3, -1, -2, -20])
    assert entropy.tolist() == pytest.approx([0.4, 0.7, 0.9, 0])
    assert match.tolist() == [0, 0, 1, 0]
    assert run.tolist() == [1, 1, 2, 0]
    assert vote.tolist() == pytest.approx([1, 1 / 2, 2 / 3, 0])
    assert markers.tolist() == pytest.approx([1 / 1, 1 / 6, 3 / 11, 3 / 16])  # no "await"


def test_missing_answers_neither_match_nor_vote(answers):
    columns = prefix_features(answers(["", ""], [[], []]), PrefixProbe.markers)
    assert columns[:, 4:7].eq(0).all()


def test_nothing_that_comes_later_matters(trace):
    whole, markers = prefix_features(trace, PrefixProbe.markers), PrefixProbe.markers
    for c in range(1, 5):
        cues = replace(
            trace.cues,
            answers=trace.cues.answers[:c] + ("7",) * (4 - c),
            steps=STEPS[:c] + ("wait wait",) * (4 - c),
        )
        assert torch.equal(prefix_features(replace(trace, cues=cues), markers)[:c], whole[:c])


def test_scores_are_the_probes(trace):
    X, y = torch.randn(40, PrefixProbe.width), torch.arange(40) % 2
    probe = Logistic(C=1.0).fit(X, y)
    expected = probe.score(prefix_features(trace, PrefixProbe.markers))
    signal = PrefixProbe(3, probe=probe)
    assert torch.equal(signal.scores(trace), expected)
    assert signal.cost(trace).tolist() == [5, 4, 4, 3]
    assert not math.isnan(float(expected.sum()))

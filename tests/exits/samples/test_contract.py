"""What every rule over several samples promises; members are found by walking the folder."""

from typing import Any

import pytest
import torch

from probexit.exits.samples.base import Sample, SampleRule, State
from probexit.exits.samples.pruning import FEATURES, Pruning
from probexit.experiments.registry import members
from probexit.probes.random_direction import RandomDirection

RULES = members("probexit.exits.samples")


@pytest.fixture(params=RULES.values(), ids=RULES.keys())
def rule(request: pytest.FixtureRequest) -> SampleRule:
    if request.param is not Pruning:
        made: SampleRule = request.param()
        return made
    probe = RandomDirection().fit(torch.randn(30, FEATURES), torch.arange(30) % 2)
    return Pruning(probe=probe)


def column(n: int) -> list[float]:
    return torch.rand(n).tolist()


def copied(group: list[Sample]) -> list[tuple[int, State, float]]:
    return [(s.tokens, s.state, sum(s.confidences)) for s in group]


def play(rule: SampleRule, lengths: list[int], cut: int = 10**6) -> list[Sample]:
    """Write samples of these lengths in step, one token each per turn."""
    group = [Sample(column(n), column(n), column(n), column(n)) for n in lengths]
    for begun in (range(rule.warm_up), range(rule.warm_up, rule.k)):
        for i in begun:
            group[i].state = State.RUNNING
        for clock in range(1, max(lengths) + 1):
            for sample in group:
                if sample.state is State.RUNNING:
                    sample.tokens = clock
                    if clock == len(sample.ids):
                        sample.state = State.CUT if clock >= cut else State.FINISHED
            seen = copied(group)
            stopped = rule.stop(group)
            assert copied(group) == seen  # it looks and does not touch
            assert stopped == rule.stop(group)
            assert all(group[i].state is State.RUNNING for i in stopped)
            for i in stopped:
                group[i].state = State.STOPPED
    return group


def test_the_walk_finds_the_family() -> None:
    assert {"short_m", "deepconf_vote", "pruning"} <= set(RULES)


def test_only_samples_that_ended_vote(rule: SampleRule) -> None:
    for turn in range(3):
        lengths = torch.randint(3, 150, (rule.k,)).tolist()
        group = play(rule, lengths, cut=80 if turn else 10**6)
        weights = rule.weights(group)
        assert len(weights) == rule.k
        assert all(w >= 0 for w in weights)
        voters = [s.state for s, w in zip(group, weights, strict=True) if w > 0]
        assert set(voters) <= {State.FINISHED}
        if any(s.state is State.FINISHED for s in group):
            assert voters


def test_what_is_not_yet_written_does_not_matter(rule: SampleRule) -> None:
    group = [Sample(*[column(90)] * 4, 40, State.RUNNING) for _ in range(rule.k)]
    for sample in group[: rule.warm_up]:
        sample.state = State.FINISHED
    for tokens in (32, 40, 64):
        for sample in group:
            sample.tokens = tokens
        short = [Sample(*[list(s.ids[:tokens])] * 4, tokens, s.state) for s in group]
        assert rule.stop(group) == rule.stop(short)
        assert rule.weights(group) == rule.weights(short)


def test_one_sample_is_left_alone(rule: SampleRule, request: Any) -> None:
    if type(rule) is Pruning:
        (sample,) = play(Pruning(k=1, probe=rule.probe, floor=2.0), [90])
        assert sample.state is State.FINISHED


def test_no_samples_at_all_is_refused(rule: SampleRule) -> None:
    with pytest.raises(ValueError, match="k=0"):
        type(rule)(**{**vars(rule), "k": 0})

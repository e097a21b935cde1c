"""Recipes that draw more than one text: fractured, adaptive, lengthened, on three problems."""

import math
from dataclasses import dataclass, replace

import pytest
import torch

from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.token_notes import TokenNotes
from probexit.exits.samples.restart_probe import RestartProbe
from probexit.experiments.methods.core.base import Unavailable
from probexit.experiments.methods.online.fractured import FracturedSampling, cuts
from probexit.experiments.methods.online.intervention import InterventionRun
from probexit.experiments.methods.online.lengthening import Lengthening
from probexit.experiments.methods.online.live_evaluator import LiveEvaluator
from probexit.experiments.methods.online.sample_until_sure import SampleUntilSure, described
from probexit.experiments.methods.samples.adaptive_sampling import AdaptiveSampling
from probexit.experiments.recording.tasks.by_name import task
from probexit.probes.random_direction import RandomDirection

NEW = 160


@pytest.fixture(scope="module")
def bench(shipped):
    return LiveEvaluator(shipped, task("arith"), Decoding(NEW, temperature=1.0), quiet=True)


@pytest.fixture(scope="module")
def traces(bench, unwritten):
    return unwritten(bench, 3)


@pytest.fixture(scope="module")
def plain(bench, traces):
    return InterventionRun().run(bench, traces, lambda: None)


# --- fractured ---


def test_the_published_cuts():
    expected = [62, 125, 187, 250, 312, 375, 437, 500, 562, 625, 687, 750, 812, 875, 937]
    assert cuts(1000, 16) == expected
    assert cuts(1000, 1) == []
    assert cuts(2, 16) == [1]  # no cut twice, none at the ends


def test_one_trajectory_without_cuts_is_a_run(bench, traces, plain):
    assert FracturedSampling(1, 1, 1).run(bench, traces, lambda: None) == plain


def test_answers_along_the_thinking_are_paid_and_vote(bench, traces, plain):
    found = FracturedSampling(1, 4, 2).run(bench, traces, lambda: None)
    for fresh, alone in zip(found, plain, strict=True):
        assert (fresh.thinking, fresh.answer_tokens) == (alone.thinking, alone.answer_tokens)
        places = len(cuts(alone.thinking, 4)) * 2
        closing = len(bench.reasoner.closing_ids())
        assert places * (closing + 1) <= fresh.probing
        assert fresh.probing <= places * (closing + bench.reasoner.answer_tokens)


def test_a_problem_is_fractured_alike_in_any_company(bench, traces):
    recipe, short = FracturedSampling(1, 3, 2), replace(bench, decoding=Decoding(60, 1.0))
    together = recipe.run(short, traces[:2], lambda: None)
    assert recipe.run(short, traces[1::-1], lambda: None) == together[::-1]


# --- adaptive ---


@pytest.fixture(scope="module")
def judge(bench, traces):
    generations = InterventionRun().generate(bench, traces, lambda: None, notes=TokenNotes())
    rows = torch.stack([described(each) for each in generations])
    probe = RandomDirection().fit(rows.repeat(4, 1), torch.arange(12) % 2)
    return RestartProbe(probe)


def test_whoever_is_content_takes_the_first_sample(bench, traces, plain, judge):
    assert SampleUntilSure(judge, -math.inf).run(bench, traces, lambda: None) == plain


@dataclass(frozen=True)
class Scripted(RestartProbe):
    """Scores that were written down beforehand, one list per draw."""

    script: tuple[tuple[float, ...], ...] = ()
    asked: list[int] | None = None

    def score(self, described):
        assert self.asked is not None
        self.asked.append(len(described))
        return torch.tensor(self.script[len(self.asked) - 1])


def test_draws_stop_one_by_one_and_the_best_is_taken(bench, traces, judge):
    """Scores .7 .95 | .93 | .5 .8 .6 at .92 and at most three samples."""
    draws: list[int] = []
    script = ((0.7, 0.93, 0.5), (0.95, 0.8), (0.6,))
    scripted = Scripted(judge.probe, script, draws)
    found = SampleUntilSure(scripted, 0.92, 3).run(bench, traces, lambda: None)
    assert draws == [3, 2, 1]
    samples = [InterventionRun().generate(bench, traces, lambda: None, i) for i in range(3)]
    taken = [(1, 2), (0, 1), (1, 3)]  # which sample answers, of how many
    for i, (best, drawn) in enumerate(taken):
        alone = bench.grade(traces[i], samples[best][i].token_ids)
        assert (found[i].answer, found[i].thinking) == (alone.answer, alone.thinking)
        paid = found[i].thinking + found[i].answer_tokens + found[i].probing
        assert paid == sum(len(samples[k][i].token_ids) for k in range(drawn))


def test_adaptive_sampling_says_what_it_lacks(hand_made):
    with pytest.raises(Unavailable, match="--rollouts"):
        AdaptiveSampling().judge([replace(hand_made("-+", True), problem=str(i)) for i in range(3)])
    with pytest.raises(Unavailable, match="record more"):
        AdaptiveSampling().judge([])


# --- lengthened ---


def test_no_round_changes_nothing(bench, traces, plain):
    assert Lengthening(0, "Wait").run(bench, traces, lambda: None) == plain


def test_each_round_thinks_on_from_the_word(bench, traces, plain):
    word = bench.reasoner.tokenizer.encode("Wait", add_special_tokens=False)
    once = Lengthening(1, "Wait").run(bench, traces, lambda: None)
    for fresh, alone in zip(once, plain, strict=True):
        ended = alone.thinking + alone.answer_tokens < NEW
        room = alone.thinking + len(word) < NEW
        if ended and room:
            assert fresh.thinking >= alone.thinking + len(word)
            assert fresh.probing == alone.answer_tokens  # what was thrown away
        assert fresh.thinking + fresh.answer_tokens <= NEW
    assert any(fresh.thinking > alone.thinking for fresh, alone in zip(once, plain, strict=True))

"""Rules that send a whole question to a small model or to the recorded one; runs are scripted."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest

from probexit.exits.trace import Trace
from probexit.experiments.fitting.splits import Splits
from probexit.experiments.methods.core.routed_models import RoutedModels
from probexit.experiments.methods.online.result_store import Fresh
from probexit.experiments.methods.two_models.adaptive_log import AdaptiveLog, posterior, usual
from probexit.experiments.methods.two_models.hybrid_llm import HybridLLM


def given(answers: str, problem: str = "p") -> list[Fresh]:
    """Samples of a problem, ten tokens each; "g" is right."""
    return [Fresh(problem, a if a != "g" else "gold", a == "g", 8, 2) for a in answers]


@dataclass
class Scripted:
    """The small model's samples, by the words of the question."""

    by_word: dict[str, str]
    bench = SimpleNamespace(task=SimpleNamespace(same=str.__eq__))

    def on(self, traces: Sequence[Trace], count: int | None = None) -> list[list[Fresh]]:
        return [given(self.by_word[t.question.split()[0]][:count], t.problem) for t in traces]


@pytest.fixture
def scene(small, hand_made, monkeypatch):
    """``scene(by_word)``: easy and hard questions by turns in each split; two to test."""

    def make(by_word):
        context = small([hand_made("-+", True)] * 2, [(0.1, 0.2)] * 2)
        parts = (context.splits.fit, context.splits.calibrate, context.splits.test)
        asked = [
            [replace(t, question=("Easy one?", "Hard one!")[i % 2]) for i, t in enumerate(part)]
            for part in parts
        ]
        monkeypatch.setattr(RoutedModels, "_runs", lambda *_: Scripted(by_word))
        return replace(context, splits=Splits(*asked), alpha=0.1, fresh=len(asked[1]))

    return make


def test_posterior_by_hand():
    assert posterior(given("a" * 3 + "bcdefhi"), 0.08) == pytest.approx(0.643636, abs=1e-6)
    assert posterior(given("a" * 5 + "bcdef"), 0.08) == pytest.approx(0.461818, abs=1e-6)


def test_the_usual_answer_is_the_most_frequent():
    assert usual(given("abb")).answer == "b"
    assert usual(given("ab")).answer == "a"


def test_hybrid_llm_learns_which_words_the_small_model_can_do(scene):
    context = scene({"Easy": "gggg", "Hard": "xxxx"})
    even, certified = HybridLLM().outcomes(context)
    for row in (even, certified):
        assert row.measured.correct.tolist() == [1, 1]
        assert row.measured.loss.tolist() == [0, 0]
        assert row.measured.thinking.tolist() == [8, 25]  # the small one's; the recorded run's
        assert row.measured.probing.tolist() == [0, 0]
    assert certified.certificate.certified


def test_hybrid_llm_is_certified_on_the_calibration_split(scene):
    """Where the small model fails on what the router took for easy, it is not asked."""
    context = scene({"Easy": "gggg", "Hard": "xxxx"})
    s = context.splits
    turned = [
        replace(t, question="Easy one?", problem=f"turned{i}") for i, t in enumerate(s.calibrate)
    ]
    made = Scripted({"Easy": "gggg", "Hard": "xxxx"})
    turning = replace(context, splits=Splits(s.fit, turned, s.test))
    on = made.on
    made.on = lambda traces, count=None: [  # type: ignore[method-assign]
        given("xxxx", t.problem) if t.problem.startswith("turned") else samples
        for t, samples in zip(traces, on(traces), strict=True)
    ]
    rule = HybridLLM()
    object.__setattr__(rule, "_runs", lambda _: made)
    certified = rule.outcomes(turning)[1]
    assert certified.threshold == math.inf
    assert certified.measured.thinking.tolist() == [25, 25]


def test_adaptive_log_asks_the_large_model_where_the_small_one_contradicts_itself(scene):
    context = scene({"Easy": "ggggg", "Hard": "xyzvw"})
    at_half, certified = AdaptiveLog().outcomes(context)
    assert at_half.measured.thinking.tolist() == [8, 25]
    assert at_half.measured.probing.tolist() == [40, 50]  # four more samples; all five
    assert at_half.measured.correct.tolist() == [1, 1]
    assert certified.certificate.certified
    # sure and wrong: the certificate refuses what the published threshold would take
    context = scene({"Easy": "xxxxx", "Hard": "xyzvw"})
    at_half, certified = AdaptiveLog().outcomes(context)
    assert at_half.measured.loss.tolist() == [1, 0]
    assert certified.threshold == math.inf


def test_without_fresh_calibration_nothing_is_certified(scene):
    context = replace(scene({"Easy": "gggg", "Hard": "xxxx"}), fresh=0)
    assert [row.label for row in HybridLLM().outcomes(context)] == ["even odds"]


def test_calibration_is_charged_and_is_a_look(scene, tmp_path):
    context = scene({"Easy": "ggggg", "Hard": "xyzvw"})
    paid = replace(context, looks=tmp_path / "looks.jsonl", calibrator_name="learn_then_test")
    *_, certified = AdaptiveLog().outcomes(paid)
    assert certified.calibration == len(context.splits.calibrate) * 5 * 10
    assert "look 1" in certified.certificate.statement.lower()


def test_scores_do_not_read_the_grades(scene):
    context = scene({"Easy": "ggggg", "Hard": "xyzvw"})
    runs = Scripted({"Easy": "ggggg", "Hard": "xyzvw"})
    blind = [replace(t, gold="?", correct=False) for t in context.splits.test]
    for rule in (HybridLLM(), AdaptiveLog()):
        seen = rule.scores(context, runs, context.splits.test)
        assert np.array_equal(seen, rule.scores(context, runs, blind))

"""Mixtures of one token are words; mixtures of several are not."""

from dataclasses import replace

import pytest

from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.think_router import Routing
from probexit.experiments.methods.interventions.think_router import ThinkRouterPreset
from probexit.experiments.methods.online.intervention import InterventionRun
from probexit.experiments.methods.online.live_evaluator import LiveEvaluator
from probexit.experiments.methods.online.soft_thinking import SoftThinking
from probexit.experiments.recording.tasks.by_name import task


@pytest.fixture(scope="module")
def bench(shipped):
    return LiveEvaluator(shipped, task("arith"), Decoding(60), quiet=True)


@pytest.fixture(scope="module")
def traces(bench, unwritten):
    return unwritten(bench, 2)


@pytest.mark.parametrize("routing", [Routing(0.0, width=1), Routing(2.0)])
def test_mixtures_of_one_token_and_no_mixtures_are_greedy_decoding(bench, traces, routing):
    """The control: a mixture of ten tokens is none."""
    plain = InterventionRun().run(bench, traces, lambda: None)
    assert SoftThinking(routing).run(bench, traces, lambda: None) == plain


def test_mixtures_change_the_thinking(bench, traces):
    """Greedily the noted tokens are the likeliest ones either way: what was read was not."""
    hot = Routing(0.0, width=10, temperature=3.0)
    mixed, words = SoftThinking(hot), SoftThinking(Routing(2.0))
    assert mixed.write(bench, traces[0], 0) != words.write(bench, traces[0], 0)


def test_a_problem_is_routed_alike_in_any_company(bench, traces):
    recipe, warm = SoftThinking(Routing(0.8)), replace(bench, decoding=Decoding(40, 1.0))
    together = recipe.run(warm, traces, lambda: None)
    assert recipe.run(warm, traces[::-1], lambda: None) == together[::-1]


def test_the_row_shows_the_thresholds():
    assert list(ThinkRouterPreset().recipes(None, None)) == ["from 0.95", "from 0.8", "from 0"]

"""What every verifier promises; members are found by walking the folder."""

import json
from dataclasses import replace

import pytest

from probexit.exits.controller import ExitController
from probexit.exits.policies.threshold import Threshold
from probexit.exits.signals.position import Position
from probexit.exits.signals.stated_run import StatedRun
from probexit.exits.verifiers.function import FromFunction
from probexit.experiments.registry import members
from probexit.hooks.cues.paragraph import Paragraph
from probexit.hooks.think_tags import ThinkTags

VERIFIERS = members("probexit.exits.verifiers")
TEXTS = ("The answer is 7.", "Wait, the answer is 8.", "Hmm", "")


@pytest.fixture(params=VERIFIERS)
def verifier(request, judge_folder):
    needed = {"function": (lambda a, b: a == b,), "language_model": (str(judge_folder),)}
    return VERIFIERS[request.param](*needed.get(request.param, ()))


def controller(verifier):
    plain = ExitController(Paragraph(), Position(), Threshold(), ThinkTags(), "")
    return replace(plain, signal=StatedRun(verifier))


def test_the_walk_finds_the_family():
    assert {"stated_answer", "function", "language_model"} <= set(VERIFIERS)


def test_judges_two_texts_always_the_same(verifier):
    assert verifier.cost("a") >= 0
    assert verifier.cost("a", "b") >= 0
    for a in TEXTS:
        assert verifier.states(a) in (True, False)
        for b in TEXTS:
            assert verifier.same(a, b) in (True, False)
            assert verifier.same(a, b) == verifier.same(a, b)


def test_an_empty_text_states_nothing(verifier):
    assert not verifier.states(" \n")


def test_can_be_saved_unless_it_is_a_function(verifier, tmp_path):
    if isinstance(verifier, FromFunction):
        with pytest.raises(ValueError, match="cannot be saved"):
            controller(verifier).save(tmp_path)
        return
    controller(verifier).save(tmp_path)
    json.loads((tmp_path / "controller.json").read_text())
    assert ExitController.load(tmp_path) == controller(verifier)

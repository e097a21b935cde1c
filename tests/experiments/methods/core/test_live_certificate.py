"""A live rule is certified on its own fresh runs, and pays for them."""

import math
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import ClassVar

import pytest

from probexit.experiments.evaluation.compare import compare
from probexit.experiments.evaluation.render.wording import live_notes
from probexit.experiments.methods.core.live_rule import LiveRule
from probexit.experiments.methods.hidden_states.probe import ProbePreset
from probexit.experiments.methods.interventions.end_boost import EndBoostPreset
from probexit.experiments.methods.online.base import Recipe
from probexit.experiments.methods.online.result_store import Fresh
from probexit.experiments.methods.reference.full_run import FullRun
from probexit.experiments.methods.reference.full_run_again import FullRunAgain
from probexit.experiments.methods.reference.oracle import Oracle


@dataclass(frozen=True)
class Losing(Recipe):
    """Answers wrongly on the first few of the calibration problems, in 10 tokens."""

    wrong: int
    asked: list[str] = field(default_factory=list)

    def settings(self):
        return {}

    def run(self, setting, traces, done):
        self.asked.extend(trace.problem for trace in traces)
        return [self._fresh(trace.problem) for trace in traces]

    def _fresh(self, problem):
        right = not problem.startswith("c") or int(problem[1:]) - 100 >= self.wrong
        return Fresh(problem, "gold" if right else "no", right, 8, 2, exited=True)


def rule(*wrong):
    """A rule of several settings, the most careful first, with what each loses in calibration."""
    recipes = {f"setting {i}": Losing(count) for i, count in enumerate(wrong)}

    @dataclass(frozen=True)
    class Made(EndBoostPreset):
        certifies: ClassVar[bool] = True

        def recipes(self, context, bench):
            return dict(recipes)

    return Made(), recipes


@pytest.fixture
def scene(small, hand_made):
    """Two test problems, 100 to calibrate on, and a bench that generates nothing."""
    context = small([hand_made("-+", True)] * 2, [(0.1, 0.6)] * 2)
    bench = SimpleNamespace(
        measure=lambda recipe, traces, title: recipe.run(None, traces, lambda: None),
        task=SimpleNamespace(same=lambda a, b: a == b),
    )
    return replace(context, bench=bench, fresh=60)


def asked(recipe):
    return sum(problem.startswith("c") for problem in recipe.asked)


def test_the_boldest_setting_that_can_be_certified(scene):
    """0 of 60 lost is certified at 5 %, 20 are not, and after that nothing is generated."""
    made, recipes = rule(0, 0, 20, 0)
    *points, certified = made.outcomes(scene)
    assert [point.label for point in points] == list(recipes)
    assert certified.label == "certified 5 %: setting 1"
    assert certified.certificate.certified
    assert certified.certificate.n == 60
    assert certified.calibration == 3 * 60 * 10
    assert [asked(recipe) for recipe in recipes.values()] == [60, 60, 60, 0]
    assert "3 of 4 settings were tried on 60 problems generated anew, 1800 tokens" in str(
        certified.certificate
    )
    assert certified.measured.loss.tolist() == points[1].measured.loss.tolist()


def test_a_control_is_shown_and_never_certified(scene):
    made, recipes = rule(0)
    control = Losing(0)

    class Controlled(type(made)):
        def controls(self, context, bench):
            return {"without its idea": control}

    *points, certified = Controlled().outcomes(scene)
    assert [point.label for point in points] == [*recipes, "without its idea"]
    assert certified.label == "certified 5 %: setting 0"
    assert asked(control) == 0


def test_nothing_certified_thinks_on_and_has_paid_all_the_same(scene):
    made, recipes = rule(20, 0)
    *_, certified = made.outcomes(scene)
    assert certified.threshold == math.inf
    assert certified.exits.tolist() == [-1, -1]
    assert certified.calibration == 600
    assert [asked(recipe) for recipe in recipes.values()] == [60, 0]


def test_the_recorded_runs_certify_nothing_of_a_rule_that_changes_them(scene):
    """Positive control: the recorded traces are all right, the fresh ones are not."""
    assert all(trace.correct for trace in scene.splits.calibrate)
    *_, certified = rule(60)[0].outcomes(scene)
    assert not certified.certificate.certified


def test_without_fresh_problems_no_row_and_no_cost(scene):
    made, recipes = rule(0, 0)
    assert len(made.outcomes(replace(scene, fresh=0))) == 2
    assert [asked(recipe) for recipe in recipes.values()] == [0, 0]
    assert issubclass(FullRunAgain, LiveRule)
    assert not FullRunAgain.certifies  # a reference promises nothing


def test_the_table_says_the_noise_floor_and_what_certifying_took(scene, monkeypatch):
    again = Losing(0)
    monkeypatch.setattr(FullRunAgain, "recipes", lambda *_: {"": again})
    made, _ = rule(0)
    methods = {
        "full_run": FullRun(),
        "full_run_again": FullRunAgain(),
        "end_boost": made,
        "probe": ProbePreset(),
        "oracle": Oracle(),
    }
    table = compare(scene, methods)
    notes = live_notes(table)
    assert notes[0].startswith("full run again: with no rule at all, another sample loses 0.0 [")
    row = table.row("end_boost", "certified 5 %: setting 0")
    full = table.row("full_run").measures.total.estimate
    assert row.promised == 0.05
    earned = math.ceil(600 / (full - 10))
    assert notes[1] == (
        "end-of-thinking boost, certified 5 %: setting 0: certifying it generated 600.0 tokens "
        f"anew, which it saves on {earned} problems."
    )
    assert asked(again) == 0

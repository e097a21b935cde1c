import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from probexit.calibration.learn_then_test import LearnThenTest
from probexit.exits.policies.threshold import Threshold
from probexit.exits.replay import exits
from probexit.experiments.commands.cli import main
from probexit.experiments.fitting.fit import fit
from probexit.experiments.fitting.splits import split
from probexit.experiments.risk_control.certify import certify_rule
from probexit.experiments.risk_control.losses.lost_correct import LostCorrect
from probexit.experiments.risk_control.sample_size import pilot_of, plan, with_pilot


def test_a_plan_by_hand() -> None:
    """.95^45 < .1 < .95^44; of 100, one may lose; 100 spotless problems certify 1 - .1^(1/100)."""
    made = plan(0.05, 0.1, sizes=(44, 45, 100))
    assert (made.needs[0].share, made.needs[0].problems) == (0.0, 45)
    assert [count.most for count in made.counts] == [-1, 0, 1]
    assert made.counts[2].if_none == pytest.approx(1 - 0.1**0.01)


@pytest.mark.parametrize(("alpha", "delta"), [(0.05, 0.1), (0.1, 0.05), (0.02, 0.1)])
def test_the_plan_is_what_the_calibrator_does(alpha: float, delta: float) -> None:
    for count in plan(alpha, delta, sizes=(60, 200)).counts:
        for lost in (count.most, count.most + 1):
            losses = (np.arange(count.problems) < lost).astype(float)[:, None]
            threshold = LearnThenTest(alpha, delta).select(losses, np.array([0.5]))
            assert (threshold == 0.5) == (0 <= lost <= count.most)


def test_more_losses_take_more_problems() -> None:
    problems = [need.problems for need in plan(0.1, 0.1).needs]
    assert problems == sorted(problems)


def test_a_pilot_counts_what_the_rule_saves_and_loses(
    make_traces: Callable[..., list[Any]], recorded_layers: tuple[int, ...]
) -> None:
    splits = split(make_traces(300), seed=1)
    fitted = fit(splits.fit, recorded_layers, layers=recorded_layers[-1:])
    pilot = pilot_of(splits, fitted, LostCorrect())
    traces = splits.calibrate + splits.test
    at = len(pilot.grid) // 2
    left = exits(Threshold(float(pilot.grid[at])), [fitted.signal.scores(t) for t in traces])
    pairs = list(zip(traces, left, strict=True))
    spent = sum(t.thinking_at(cue) for t, cue in pairs)
    saved = 1 - spent / sum(t.thinking for t in traces)
    assert pilot.savings[:, at].mean() == pytest.approx(saved)
    lost = [t.correct and not t.correct_at(cue) for t, cue in pairs]
    assert pilot.losses[:, at].tolist() == [float(one) for one in lost]

    looked = with_pilot(plan(0.1, 0.1, sizes=(10, 200)), pilot)
    assert looked.pilot == len(traces)
    assert [look.certified for look in looked.outlook] == [0.0, 1.0]
    rule = (fitted.signal, Threshold())
    certified = certify_rule(traces, rule, fitted.grid, LostCorrect(), LearnThenTest(0.1))
    column = int(np.argmax(pilot.grid == certified.policy.threshold))
    assert looked.outlook[1].saving == pytest.approx(pilot.savings[:, column].mean(), abs=0.1)


def test_the_command_prints_and_writes_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "plan.json"
    assert main(["plan", "--alpha", ".02", "--delta", ".05", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    data = json.loads(out.read_text())
    assert data["needs"][0]["problems"] == 149
    assert " 149" in said
    assert "at most 2 %" in said
    assert "95 %" in said


def test_what_no_effort_reaches_is_said_and_is_null() -> None:
    made = plan(1e-6, 0.1, sizes=(50,))
    assert "out of reach" in str(made)
    assert made.as_dict()["needs"][-1]["problems"] is None
    assert "out of reach" in made._repr_html_()


def test_bad_levels_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--alpha", "5"]) == 2
    assert "alpha" in capsys.readouterr().err

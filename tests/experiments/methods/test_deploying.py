"""The row in the table is the controller that `calibrate --method` writes, for every preset."""

from pathlib import Path

import pytest

from probexit.exits.controller import ExitController
from probexit.exits.replay import NO_EXIT, exits
from probexit.experiments.commands.cli import main
from probexit.experiments.evaluation.choice import all_methods
from probexit.experiments.evaluation.run_comparison import Levels, context_of
from probexit.experiments.fitting.fit import splits_of
from probexit.experiments.methods.core.base import Unavailable
from probexit.experiments.methods.core.context import Context
from probexit.experiments.recording.run import Run

METHODS = {name: made for name, made in all_methods().items() if made.replayed and made.deployable}
LEVELS = Levels(0.4, (0.4,), delta=0.3)
PROMISE = ("--alpha", ".4", "--delta", ".3")


@pytest.fixture(scope="module")
def fitted(fitted_folder: Path) -> Run:
    return Run(fitted_folder)


@pytest.fixture(scope="module")
def context(fitted: Run) -> Context:
    return context_of(fitted, LEVELS, {})


def calibrate(run: Run, out: Path, *arguments: str) -> int:
    return main(["calibrate", str(run.folder), "--out", str(out), *PROMISE, *arguments])


@pytest.mark.parametrize("name", METHODS)
def test_the_row_is_the_controller(
    name: str, fitted: Run, context: Context, tmp_path: Path
) -> None:
    try:
        sweep = METHODS[name].sweep(context)
    except Unavailable as why:
        pytest.skip(str(why))
    if sweep is None:
        assert calibrate(fitted, tmp_path, "--method", name) == 2
        return
    point = sweep.certified(context, LEVELS.alpha)
    assert calibrate(fitted, tmp_path, "--method", name) == 0
    controller = ExitController.load(tmp_path)
    assert controller.policy.threshold == point.threshold
    assert point.certificate is not None
    assert controller.certificate["statement"] == point.certificate.statement
    assert controller.certificate["method"] == name
    traces = splits_of(fitted).test
    left = exits(controller.policy, [controller.signal.scores(trace) for trace in traces])
    row = sweep.outcomes(traces, [point])[0].exits.tolist()
    assert [NO_EXIT if cue is None else cue for cue in left] == row


def test_a_rule_that_cannot_be_deployed_says_why(
    fitted: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, why in {
        "no_wait": "changes the text",
        "oracle": "looks at the grades",
        "no_thinking": "no threshold",
        "prob": "unknown method 'prob'",
    }.items():
        assert calibrate(fitted, tmp_path, "--method", name) == 2
        assert why in capsys.readouterr().err


def test_of_several_the_cheapest_that_is_certified(
    fitted: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert calibrate(fitted, tmp_path, "--method", "probe,fixed_budget,answer_consistency") == 0
    said = capsys.readouterr().out
    controller = ExitController.load(tmp_path)
    assert controller.certificate["method"] in ("probe", "fixed_budget", "answer_consistency")
    assert "cheapest of 3 rules" in said
    assert controller.certificate["delta"] == pytest.approx(0.3 / 2 / 3)  # first look, third each


@pytest.mark.parametrize("command", ["calibrate", "compare", "frontier", "validate"])
def test_a_delta_that_does_not_apply_is_refused(
    command: str, fitted: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [command, str(fitted.folder), "--calibrator", "split_conformal", "--delta", ".2"]
    assert main(arguments) == 2
    assert "--delta 0.2 does not apply: split_conformal promises an average" in (
        capsys.readouterr().err
    )

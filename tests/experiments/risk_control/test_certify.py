"""The guarantee, for the rule as deployed: the first crossing along a trace."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch

from probexit.calibration.learn_then_test import LearnThenTest
from probexit.calibration.per_cue.class_conditional import ClassConditional
from probexit.calibration.uncalibrated import Uncalibrated
from probexit.exits.policies.base import ExitPolicy
from probexit.exits.policies.patience import Patience
from probexit.exits.policies.threshold import Threshold
from probexit.exits.replay import NO_EXIT, exit_table, exits
from probexit.exits.signals.base import Signal
from probexit.exits.signals.run_length import RunLength
from probexit.exits.trace import Trace
from probexit.experiments.fitting.fit import Fit, fit
from probexit.experiments.recording.run import Run
from probexit.experiments.risk_control.certify import certify_rule
from probexit.experiments.risk_control.losses.lost_correct import LostCorrect
from probexit.experiments.risk_control.losses.wrong_at_exit import WrongAtExit

ALPHA, DELTA, SPLITS = 0.05, 0.1, 300


@dataclass(frozen=True)
class World:
    """A fitted signal, none of the best, and 2,000 traces that it has not seen."""

    fitted: Fit
    traces: list[Trace]

    @property
    def signal(self) -> Signal:
        return self.fitted.signal


@pytest.fixture(scope="module")
def world(make_traces: Callable[..., list[Trace]], recorded_layers: tuple[int, ...]) -> World:
    traces = make_traces(2300)
    return World(fit(traces[:300], recorded_layers, layers=recorded_layers[:1]), traces[300:])


@pytest.mark.parametrize("policy", [Threshold(), Patience()])
def test_the_certificate_speaks_of_the_rule_as_deployed(world: World, policy: ExitPolicy) -> None:
    """Replayed at the certified threshold, the rule loses what the certificate says."""
    traces = world.traces[:500]
    rule = (world.signal, policy)
    certified = certify_rule(
        traces, rule, world.fitted.grid, LostCorrect(), LearnThenTest(ALPHA, DELTA)
    )
    deployed, certificate = certified.policy, certified.certificate
    assert deployed == replace(policy, threshold=certificate.threshold)
    lost = 0
    for trace, left in zip(
        traces, exits(deployed, [world.signal.scores(t) for t in traces]), strict=True
    ):
        lost += trace.correct and not trace.correct_at(left)
    assert certificate.n == 500
    assert certificate.losses == lost > 0
    assert lost < ALPHA * 500


def test_nothing_certified_is_never(world: World) -> None:
    rule = (world.signal, Threshold())
    strict = LearnThenTest(0.001, 0.01)
    certified = certify_rule(world.traces[:50], rule, world.fitted.grid, WrongAtExit(), strict)
    certificate = certified.certificate
    assert certificate.threshold == float("inf")
    assert "Nothing certified" in certificate.statement


def test_the_grid_must_run_from_strict_to_lax(world: World) -> None:
    rule, calibrator = (world.signal, Threshold()), LearnThenTest(ALPHA, DELTA)
    with pytest.raises(ValueError, match="strict to lax"):
        certify_rule(world.traces[:9], rule, world.fitted.grid.flip(0), LostCorrect(), calibrator)


def test_the_controller_is_the_one_that_was_certified(
    world: World, greedy_run: Run, shipped: Any
) -> None:
    certified = certify_rule(
        world.traces[:500],
        (world.signal, Threshold()),
        world.fitted.grid,
        LostCorrect(),
        LearnThenTest(ALPHA, DELTA),
    )
    controller = certified.controller(greedy_run, loss="lost_correct")
    assert controller.policy == Threshold(certified.certificate.threshold)
    assert controller.signal is world.signal
    assert controller.model is not None
    assert controller.model.name == "shipped"  # what was asked for, not a path of this machine
    controller.model.check(shipped.model)
    assert controller.tags == shipped.tags
    assert controller.closing == shipped.closing
    said = controller.certificate
    assert (said["alpha"], said["delta"], said["problems"]) == (ALPHA, DELTA, 500)
    assert (said["task"], said["loss"], said["model"]) == ("arith", "lost_correct", "shipped")
    assert said["decoding"]["temperature"] == 0.0


def test_another_policy_than_the_certified_one_cannot_be_deployed(world: World) -> None:
    """A patience rule that was certified leaves later than a threshold at the same number."""
    traces, calibrator = world.traces[:500], LearnThenTest(ALPHA, DELTA)
    rule = (world.signal, Patience(patience=3))
    certified = certify_rule(traces, rule, world.fitted.grid, LostCorrect(), calibrator)
    scores = [world.signal.scores(trace) for trace in traces]
    other = Threshold(certified.certificate.threshold)
    lost = [
        sum(
            t.correct and not t.correct_at(cue)
            for t, cue in zip(traces, exits(p, scores), strict=True)
        )
        for p in (certified.policy, other)
    ]
    assert lost[0] == certified.certificate.losses < lost[1]  # what was promised is not for it
    with pytest.raises(ValueError, match="the certificate is for a threshold of"):
        replace(certified, policy=replace(certified.policy, threshold=0.1))


def test_probing_is_what_the_certified_rule_decodes(world: World) -> None:
    rule = (world.signal, Threshold())
    calibrator = LearnThenTest(ALPHA, DELTA)
    traces = world.traces[:200]
    assert certify_rule(traces, rule, world.fitted.grid, LostCorrect(), calibrator).probing == 0
    trial = (RunLength(3), Threshold())
    grid = torch.tensor([3.0, 2.0, 1.0])
    found = certify_rule(traces, trial, grid, LostCorrect(), LearnThenTest(0.9, DELTA))
    left = exits(found.policy, [found.signal.scores(t) for t in traces])
    spent = [
        trial[0].cost(t)[: len(t.cues) if cue is None else cue + 1].sum()
        for t, cue in zip(traces, left, strict=True)
    ]
    assert found.probing == pytest.approx(float(np.mean(spent)))


@dataclass(frozen=True)
class Draws:
    """What repeated splits of one set of traces are judged on.

    ``losses [n, m]`` on a ``grid [m]``; ``scores``, ``safe`` and ``problem`` of all cues, ``[c]``.
    """

    losses: np.ndarray
    grid: np.ndarray
    scores: np.ndarray
    safe: np.ndarray
    problem: np.ndarray

    def share(self, choose: Callable[[np.ndarray], float]) -> float:
        """The share of splits on whose test half the risk exceeds alpha.

        ``choose`` gets the calibration half's rows and returns a threshold.
        """
        rng = np.random.default_rng(3)
        exceeded = 0
        for _ in range(SPLITS):
            order = rng.permutation(len(self.losses))
            half = len(order) // 2
            threshold = choose(order[:half])
            exceeded += self.risk(threshold, order[half:]) > ALPHA
        return exceeded / SPLITS

    def risk(self, threshold: float, rows: np.ndarray) -> float:
        if threshold == np.inf:
            return 0.0
        column = int(np.argmax(self.grid <= threshold))  # the laxest not above: no less strict
        return float(self.losses[rows, column].mean())


@pytest.fixture(scope="module")
def draws(world: World) -> Draws:
    scores = [world.signal.scores(t) for t in world.traces]
    table = exit_table(Threshold(), scores, world.fitted.grid)
    losses = LostCorrect().table(world.traces, table)
    assert (table != NO_EXIT).any()
    return Draws(
        losses,
        world.fitted.grid.double().numpy(),
        torch.cat(scores).numpy(),
        torch.cat([t.cues.correct for t in world.traces]).numpy(),
        np.repeat(np.arange(len(scores)), [len(s) for s in scores]),
    )


BOUND = DELTA + 3 * (DELTA * (1 - DELTA) / SPLITS) ** 0.5


def test_learn_then_test_keeps_its_promise(draws: Draws) -> None:
    calibrator = LearnThenTest(ALPHA, DELTA)
    share = draws.share(lambda rows: calibrator.select(draws.losses[rows], draws.grid))
    chosen = calibrator.select(draws.losses[: len(draws.losses) // 2], draws.grid)
    assert 0 < share <= BOUND  # not by never exiting: some splits do exceed it
    assert 0.5 * ALPHA < draws.risk(chosen, np.arange(len(draws.losses))) < ALPHA


def test_without_a_test_the_promise_would_fail(draws: Draws) -> None:
    """The laxest threshold whose *observed* risk is within alpha: about every second split."""
    calibrator = Uncalibrated(ALPHA)
    share = draws.share(lambda rows: calibrator.select(draws.losses[rows], draws.grid))
    assert share > 2 * BOUND


def test_lynx_promises_something_else(draws: Draws) -> None:
    """Its level is per unsafe cue; per problem it is exceeded in split after split.

    Not with every probe: where the two classes hardly overlap, its other quantile makes it strict.
    """

    def choose(rows: np.ndarray) -> float:
        seen = np.isin(draws.problem, rows)
        rule = ClassConditional(ALPHA).calibrate(draws.scores[seen], draws.safe[seen])
        return rule.threshold

    assert draws.share(choose) > 0.9

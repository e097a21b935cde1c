"""Re-calibration from logs: valid on simulated traffic, and only on what the log really holds."""

import math
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.random import Generator, default_rng

from probexit.calibration.base import Calibrator
from probexit.calibration.learn_then_test import LearnThenTest
from probexit.calibration.uncalibrated import Uncalibrated
from probexit.exits.controller import ExitController
from probexit.exits.policies.threshold import Threshold
from probexit.exits.production.audit import EVEN, Audit
from probexit.exits.production.digest import digest
from probexit.exits.production.log import Decision, DecisionLog
from probexit.exits.signals.position import Position
from probexit.experiments.commands.cli import main
from probexit.experiments.risk_control.looks import Question, look
from probexit.experiments.risk_control.recalibrate import (
    audited_losses,
    of_controller,
    recalibrate,
    recalibrate_look,
    recalibrated,
)
from probexit.hooks.cues.every_k import EveryK
from probexit.hooks.think_tags import ThinkTags

RULE = ExitController(EveryK(3), Position(), Threshold(0.8), ThinkTags(), " so")
NAME = digest(RULE)


def request(i: int, rng: Generator, rate: float = 1.0) -> Decision:
    """Scores of six cues; an answer differs from the full run's with probability 1 - score."""
    scores = rng.uniform(0, 1, 6) ** 0.5
    agrees = rng.uniform(0, 1, 6) < scores
    audit = {c: bool(agrees[c]) for c in range(6)} if Audit(rate).chooses(f"{i}") else None
    return Decision(f"{i}", NAME, tuple(scores), None, None, 0, False, 9, audit)


def traffic(n: int, seed: int, rate: float = 1.0) -> list[Decision]:
    rng = default_rng(seed)
    return [request(i, rng, rate) for i in range(n)]


def test_a_recalibrated_threshold_keeps_its_promise() -> None:
    """Over 150 logs with half of the requests audited, against the risk of 8,000 requests."""
    alpha, delta, grid = 0.15, 0.2, np.array(EVEN)
    true_risk = audited_losses(traffic(8000, 10**6), Threshold()).mean(0)
    tables = [audited_losses(traffic(160, seed, 0.5), Threshold()) for seed in range(150)]

    def broken(calibrator: Calibrator) -> float:
        chosen = [calibrator.select(table, grid) for table in tables]
        risks = [true_risk[EVEN.index(t)] if t < math.inf else 0.0 for t in chosen]
        return float(np.mean(np.array(risks) > alpha))

    share = broken(LearnThenTest(alpha, delta))
    assert 0.02 < share <= delta + 3 * math.sqrt(delta * (1 - delta) / 150)  # not by never exiting
    assert broken(Uncalibrated(alpha)) > 0.35  # the simulation can tell


def test_losses_by_hand() -> None:
    line = Decision("a", NAME, (0.5, 0.9), None, None, 0, False, 9, {0: False, 1: True})
    silent = replace(line, request="b", scores=(), audit={})
    plain = replace(line, request="c", audit=None)
    losses = audited_losses([line, silent, plain], Threshold(), (0.95, 0.9, 0.6, 0.5))
    assert losses.tolist() == [[0, 0, 0, 1], [0, 0, 0, 0]]


def test_only_the_controllers_own_lines_and_each_request_once() -> None:
    first, again = traffic(2, 0)
    other = replace(again, controller="someone else")
    twice = replace(first, scores=(0.1,))
    assert of_controller([other, first, twice], RULE) == [first]
    with pytest.raises(ValueError, match=f"no line of controller {NAME}, only of"):
        of_controller([other], RULE)


def test_what_the_log_does_not_hold_is_refused() -> None:
    (line,) = traffic(1, 0)
    with pytest.raises(ValueError, match="audit rate above 0"):
        audited_losses([replace(line, audit=None)], Threshold())
    with pytest.raises(ValueError, match="another grid"):
        audited_losses([replace(line, audit={})], Threshold())


def test_the_command_writes_a_controller_that_says_what_it_promises(tmp_path: Path) -> None:
    RULE.save(tmp_path / "old")
    log = DecisionLog(tmp_path / "log.jsonl")
    for line in traffic(400, 3, 0.5):
        log.append(line)
    arguments = ["recalibrate", str(log.file), "--controller", str(tmp_path / "old")]
    assert main([*arguments, "--out", str(tmp_path / "new"), "--alpha", ".2"]) == 0
    new = ExitController.load(tmp_path / "new")
    audited = sum(d.audit is not None for d in log)
    assert new.policy.threshold in EVEN
    assert (new.certificate["loss"], new.certificate["problems"]) == ("inconsistent", audited)
    assert main([*arguments, "--out", str(tmp_path / "never"), "--alpha", ".001"]) == 0
    assert ExitController.load(tmp_path / "never").policy.threshold == math.inf


def test_the_rest_of_the_controller_stays() -> None:
    certificate = recalibrate(traffic(300, 0), Threshold(), LearnThenTest(0.2))
    new = recalibrated(RULE, certificate, "log")
    assert replace(new, policy=RULE.policy, certificate={}) == RULE


def certified_within_six_looks(seed: int, folder: Path, paid: bool) -> float:
    """Look at a growing log until something is certified, six times at most."""
    whole, question = traffic(600, seed), Question(NAME, "inconsistent", 0.15)
    for n in range(100, 601, 100):
        calibrator = LearnThenTest(0.15, 0.2)
        ask = partial(look, folder / f"{seed}-{paid}.jsonl", question)
        found = (
            recalibrate_look(whole[:n], Threshold(), calibrator, ask)
            if paid
            else recalibrate(whole[:n], Threshold(), calibrator)
        )
        if found.threshold < math.inf:
            return found.threshold
    return math.inf


def test_looking_again_at_a_log_costs(tmp_path: Path) -> None:
    """Without paying, stopping at the first success breaks the promise oftener than with it."""
    true_risk = audited_losses(traffic(8000, 10**6), Threshold()).mean(0)

    def broken(paid: bool) -> float:
        chosen = [certified_within_six_looks(seed, tmp_path, paid) for seed in range(60)]
        risks = [true_risk[EVEN.index(t)] if t < math.inf else 0.0 for t in chosen]
        return float(np.mean(np.array(risks) > 0.15))

    assert broken(paid=True) <= 0.2
    assert broken(paid=True) < broken(paid=False)


def test_the_command_counts_its_looks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    RULE.save(tmp_path / "old")
    log = DecisionLog(tmp_path / "log.jsonl")
    arguments = ["recalibrate", str(log.file), "--controller", str(tmp_path / "old")]
    spent = []
    for lines in (traffic(100, 3), [], traffic(200, 4)[100:]):
        for line in lines:
            log.append(line)
        assert main([*arguments, "--out", str(tmp_path / "new"), "--alpha", ".2"]) == 0
        spent.append(ExitController.load(tmp_path / "new").certificate["delta"])
        capsys.readouterr()
    assert spent == pytest.approx([0.05, 0.05, 0.1 / 6])  # the same log again is no new look

"""What a preset decided on a recording is what it does live, token for token, at the same cost.

Greedy decoding on the shipped reasoner; members are found by walking the package.
"""

from dataclasses import dataclass

import pytest
import torch

from probexit.exits.controller import ExitController
from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.loop import Loop
from probexit.exits.replay import NO_EXIT
from probexit.experiments.commands.cli import main
from probexit.experiments.evaluation.choice import all_methods
from probexit.experiments.fitting.fit import fit
from probexit.experiments.fitting.splits import split
from probexit.experiments.methods.core.base import Unavailable
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.threshold_sweep import ThresholdSweep
from probexit.experiments.recording.cues import cue_set
from probexit.experiments.recording.run import Run
from probexit.experiments.recording.tasks.by_name import task

METHODS = {name: made for name, made in all_methods().items() if made.replayed and made.deployable}
NO_LIVE_SIGNAL = {"random_exit"}  # its coin is tossed anew
TIE = 1e-4


def context_of(run, shipped):
    splits = split(run.traces(), (0.5, 0.25), 0)
    fitted = fit(splits.fit, run.manifest.layers, layers=run.manifest.layers[-2:])
    return Context(splits, fitted.signal, fitted.grid, len(shipped.closing_ids()))


@pytest.fixture(scope="module")
def little(greedy_run, shipped):
    return context_of(greedy_run, shipped)


def a_lively_threshold(sweep, traces):
    """Of the grid, the threshold at which nearest to two in three traces are left."""
    left = (sweep.exits(traces, sweep.grid) != NO_EXIT).double().mean(0)
    return sweep.grid[(left - 2 / 3).abs().argmin()].double()


@dataclass
class Predicted:
    """Where a dial leaves each trace at a threshold, and what it decodes to decide."""

    sweep: ThresholdSweep
    threshold: float
    exits: list[int]
    probing: list[int]


def predict(sweep, traces):
    threshold = a_lively_threshold(sweep, traces)
    exits = sweep.exits(traces, threshold[None])
    probing = sweep.probing(traces, exits)
    return Predicted(sweep, float(threshold), exits[:, 0].tolist(), probing[:, 0].tolist())


def expected(trace, left, closing):
    if left == NO_EXIT:
        return trace.token_ids.tolist()
    thinking = trace.token_ids[: int(trace.cues.positions[left]) + 1].tolist()
    return [*thinking, *closing, *(i for i in trace.cues.answer_ids[left].tolist() if i >= 0)]


def live(run, shipped, predicted, traces):
    manifest = run.manifest
    sweep = predicted.sweep
    controller = ExitController(
        cue_set(manifest.cues), sweep.signal, sweep.policy, shipped.tags, shipped.closing
    ).with_threshold(predicted.threshold)
    loop = Loop(shipped.model, shipped.tokenizer, controller, Decoding(**manifest.decoding))
    loop.session.extract = task(manifest.task).extract
    return loop.run([trace.prompt_ids.tolist() for trace in traces])


def check(run, shipped, context, method, n):
    try:
        sweep = method.sweep(context)
    except Unavailable as why:
        pytest.skip(str(why))
    if sweep is None:
        pytest.skip("no dial: it decides before any thinking, or not at all")
    traces = shortest(context.splits.test, n)
    predicted = predict(sweep, traces)
    written = live(run, shipped, predicted, traces)
    closing = shipped.closing_ids()
    same = 0
    for i, (trace, generation) in enumerate(zip(traces, written, strict=True)):
        if generation.token_ids == expected(trace, predicted.exits[i], closing):
            same += 1
            assert generation.probed == predicted.probing[i]
            continue
        then = sweep.signal.scores(trace)[: len(generation.scores)]
        now = torch.tensor(generation.scores[: len(then)])
        near = (then - predicted.threshold).abs() <= TIE * (1 + abs(predicted.threshold))
        assert torch.allclose(now, then, atol=0.01), f"{trace.problem}: {now} live, {then} replayed"
        assert bool(near.any()), f"{trace.problem}: {now} live, {then} replayed, no tie"
    assert same >= 0.95 * len(traces)
    return sum(left != NO_EXIT for left in predicted.exits)


def shortest(traces, n):
    """Those that are soonest written, of the ones that have somewhere to leave."""
    return sorted((t for t in traces if len(t.cues) > 2), key=lambda t: len(t.token_ids))[:n]


PRESETS = sorted(METHODS.keys() - NO_LIVE_SIGNAL)


@pytest.mark.parametrize("name", PRESETS)
def test_replay_equals_live(name, greedy_run, shipped, little):
    check(greedy_run, shipped, little, METHODS[name], 6)


def test_the_presets_do_leave(greedy_run, shipped, little):
    """Else the test above would hold for rules that never exit."""
    assert check(greedy_run, shipped, little, METHODS["probe"], 6) >= 3
    assert check(greedy_run, shipped, little, METHODS["deer"], 6) >= 3


@pytest.fixture(scope="module")
def long_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "long"
    recorded = f"record --task arith --n 400 --out {folder} --temperature 0 --seed 5"
    assert main(recorded.split()) == 0
    return Run(folder)


@pytest.fixture(scope="module")
def large(long_run, shipped):
    return context_of(long_run, shipped)


@pytest.mark.slow
@pytest.mark.parametrize("name", PRESETS)
def test_replay_equals_live_on_100_problems(name, long_run, shipped, large):
    check(long_run, shipped, large, METHODS[name], 100)

"""What tests of live rules share: a context around a fit split, and a bench that is quick."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from probexit.exits.engines.decoding import Decoding
from probexit.experiments.fitting.splits import Splits
from probexit.experiments.methods.online.live_evaluator import LiveEvaluator
from probexit.experiments.recording.tasks.by_name import task


@pytest.fixture
def on_fit(small, hand_made):
    """``on_fit(fit, bench)``: a context with this fit split, layers 1, 2 and 4 recorded."""

    def make(fit, bench):
        context = small([hand_made("-+", True)], [(0.1, 0.2)])
        probe = SimpleNamespace(recorded=(1, 2, 4))
        splits = Splits(fit, context.splits.calibrate, context.splits.test)
        return replace(context, splits=splits, probe=probe, bench=bench)

    return make


@pytest.fixture(scope="module")
def bench(shipped):
    """With room for 80 tokens, so that it is quick."""
    return LiveEvaluator(shipped, task("arith"), Decoding(80, temperature=1.0), quiet=True)

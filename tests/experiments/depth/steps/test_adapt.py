"""Serving under the live loops, on the shipped reasoner: a few tokens."""

from argparse import Namespace
from types import SimpleNamespace

import pytest

from probexit.exits.depth.heads.plain import PlainHead
from probexit.exits.depth.tuning.plan import Costs
from probexit.exits.depth.tuning.ramp_loop import RampLoop, RampSettings
from probexit.experiments.commands.cli import main
from probexit.experiments.depth.adapt import RampService
from probexit.experiments.depth.bench import DepthBench
from probexit.experiments.depth.steps.adapt import batches_of
from probexit.experiments.recording.tasks.by_name import task


@pytest.fixture(scope="module")
def bench(shipped):
    return DepthBench(shipped, task("arith"), 16)


def serve(bench, settings):
    loop = RampLoop((1, 2), 4, Costs(look=0.1), settings)
    items = bench.items(0, 4)
    rows = list(
        RampService(bench, PlainHead(), loop).serve([("a", items[:2]), ("a", items[2:])], True)
    )
    return rows, loop


def test_a_batch_is_served_with_what_the_batch_before_taught(bench):
    rows, loop = serve(bench, RampSettings())
    first, second = rows
    assert first.thetas == (0.0, 0.0)  # nothing leaves before anything is known
    assert first.agreement == 1.0
    assert first.saved == pytest.approx(-0.2 / 4)
    assert loop.retuned[0] == 1
    assert max(second.thetas) > 0
    assert first.tokens > 8


def test_the_second_half_comes_from_the_other_task(bench):
    args = Namespace(task="arith", then="spell", data=None, seed=0, batches=4, batch=2)
    workshop = SimpleNamespace(bench=bench, sizes=SimpleNamespace(fit=3))
    batches = batches_of(args, workshop)
    assert [name for name, _ in batches] == ["arith", "arith", "spell", "spell"]
    assert [item.id for item in batches[0][1]] == [item.id for item in bench.items(3, 2)]
    assert all(len(items) == 2 for _, items in batches)
    assert {item.question for item in batches[2][1]} <= {
        item.question for _, item in zip(range(4), task("spell").items(), strict=False)
    }


def test_batches_of_nothing_are_refused(tmp_path, capsys):
    command = f"depth adapt --batch 0 --out {tmp_path}"
    assert main(command.split()) == 2
    assert "--batch 0" in capsys.readouterr().err

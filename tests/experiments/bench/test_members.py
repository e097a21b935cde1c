"""Every benchmark at a size of seconds: what it compares must give the same."""

import pytest

from probexit.experiments.bench import meter
from probexit.experiments.bench.continuous import Continuous
from probexit.experiments.bench.forced_exits import ForcedExits
from probexit.experiments.bench.loop_against_generate import LoopAgainstGenerate
from probexit.experiments.bench.overhead import Overhead
from probexit.experiments.bench.saved_time import SavedTime
from probexit.hooks.models import Reasoner, Source, load


@pytest.fixture(scope="module")
def reasoner() -> Reasoner:
    return load(Source())


def test_forced_exits(reasoner: Reasoner) -> None:
    (made,) = ForcedExits(tokens=60, cues=2, traces=2, rounds=1).measure(reasoner)
    assert made.facts["same_answers"]


@pytest.mark.slow
def test_saved_time(reasoner: Reasoner) -> None:
    (made,) = SavedTime(problems=16, train=192, rounds=1).measure(reasoner)
    assert 0 < made.facts["token_ratio"] < 1


@pytest.mark.slow
def test_continuous(reasoner: Reasoner) -> None:
    (made,) = Continuous(requests=16, train=192, rounds=1).measure(reasoner)
    assert made.facts["same_tokens_as_the_own_loop"] == 16


def test_loop_against_generate(reasoner: Reasoner) -> None:
    made = list(LoopAgainstGenerate(batch=2, tokens=6, rounds=1).measure(reasoner))
    assert made[0].case == "greedy, batch 2"


def test_overhead(reasoner: Reasoner) -> None:
    """Hooks of two layers and the decision are seen in every engine, at each step."""
    made = list(Overhead(batches=(2,), often=(), tokens=6, rounds=1).measure(reasoner))
    assert [line.case.partition(",")[0] for line in made] == [
        "attach",
        "own loop",
        "continuous batching",
    ]
    assert all(line.facts["calls"] >= 3 * 6 for line in made)


def test_the_meter_tells_inside_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0]
    monkeypatch.setattr(meter.time, "thread_time_ns", lambda: now[0])

    def work(n: int) -> None:
        now[0] += n

    clock = meter.Meter()
    inner = clock.timed(work)
    outer = clock.timed(lambda n: inner(n))
    outer(100)  # the first call is the prompt's
    for _ in range(3):
        work(20)
        outer(5)
    assert clock.calls == 4  # what is called within another call is not counted
    assert clock.share == 15 / 60

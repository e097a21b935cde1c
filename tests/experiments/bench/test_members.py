"""Every benchmark at a size of seconds: what it compares must give the same."""

import pytest

from probexit.experiments.bench import meter
from probexit.experiments.bench.arrivals import Arrivals
from probexit.experiments.bench.capture import AtCues
from probexit.experiments.bench.continuous import Continuous
from probexit.experiments.bench.forced_exits import ForcedExits
from probexit.experiments.bench.growth import Growth, Size
from probexit.experiments.bench.inline_probe import InlineProbe
from probexit.experiments.bench.loop_against_generate import LoopAgainstGenerate
from probexit.experiments.bench.overhead import Overhead
from probexit.experiments.bench.probe_fit import ProbeFit
from probexit.experiments.bench.replay_all import ReplayAll
from probexit.experiments.bench.saved_time import SavedTime
from probexit.hooks.models import Reasoner, Source, load


@pytest.fixture(scope="module")
def reasoner() -> Reasoner:
    return load(Source())


def test_forced_exits(reasoner: Reasoner) -> None:
    made = list(ForcedExits(shapes=((60, 2),), traces=2, rounds=1).measure(reasoner))
    assert [line.facts["same_answers"] for line in made] == [True, True]


def test_capture_at_cues(reasoner: Reasoner) -> None:
    made = list(AtCues(batch=2, tokens=12, cues=3, rounds=1).measure(reasoner))
    assert [line.case for line in made][:2] == ["ours", "output_hidden_states"]
    assert all(line.facts["same_states"] for line in made)


def test_growth(reasoner: Reasoner) -> None:
    made = list(Growth(Size(20, 2, 1, 2), rounds=1).measure(reasoner))
    assert [line.case for line in made] == [
        "tokens, 20 to 40",
        "traces, 2 to 4",
        "layers, 1 to 2",
        "cues, 2 to 4",
    ]


def test_probe_fit(reasoner: Reasoner) -> None:
    (made,) = ProbeFit(shapes=((60, 8),)).measure(reasoner)
    assert made.facts["same_scores"]


@pytest.mark.slow
def test_replay_of_all_rules(reasoner: Reasoner) -> None:
    made = list(ReplayAll(recorded=90, traces=200).measure(reasoner))
    assert sum(int(line.case.split()[0]) for line in made) > 30


@pytest.mark.slow
def test_arrivals(reasoner: Reasoner) -> None:
    made = list(Arrivals(16, train=192, places=4, loads=(0.5,), rounds=1).measure(reasoner))
    for line in made:
        assert 0 < line.facts["measured_p50"] <= line.facts["measured_p95"]
    assert made[1].facts["measured_per_second"] > 0


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


def test_an_inline_probe(reasoner: Reasoner) -> None:
    made = list(InlineProbe(every=(2,), texts=1, tokens=6, rounds=2).measure(reasoner))
    assert made[0].case == "attach, every 2 tokens, batch 1"
    assert all(line.rounds == 2 for line in made)


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

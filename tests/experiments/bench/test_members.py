"""Every benchmark at a size of seconds: what it compares must give the same."""

import pytest

from probexit.experiments.bench.continuous import Continuous
from probexit.experiments.bench.forced_exits import ForcedExits
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

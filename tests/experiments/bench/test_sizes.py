"""Sizes given on the command line reach the benchmarks that have them; others are refused."""

import pytest

from probexit.experiments.bench.growth import Growth
from probexit.experiments.bench.overhead import Overhead
from probexit.experiments.bench.random_models import random_reasoner
from probexit.experiments.bench.sizes import resized

BENCHMARKS = {"growth": Growth(), "overhead": Overhead()}


def test_where_they_are() -> None:
    made = resized(BENCHMARKS, ["rounds=2", "batches=(1, 64)"])
    assert made == {"growth": Growth(rounds=2), "overhead": Overhead(batches=(1, 64), rounds=2)}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("laps=2", r"laps=2: no such size here; there are base, batches"),
        ("rounds=many", "kind of 5"),
        ("batches=1", r"kind of \(1, 8, 64\)"),
    ],
)
def test_what_cannot_be(given: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        resized(BENCHMARKS, [given])


@pytest.mark.slow
def test_a_random_model_of_a_size() -> None:
    made = random_reasoner("random-107m")
    assert round(sum(p.numel() for p in made.model.parameters()) / 1e6) == 107
    assert "</think>" not in made.ask("1 + 1", max_new_tokens=12)

"""The own loop as an engine of rollouts: what it writes, what it tells, what it refuses."""

from typing import Any

import pytest

from probexit.exits.engines.decoding import Decoding
from probexit.experiments.recording.engines.hf import Hf
from probexit.hooks.models import Reasoner


def ids(shipped: Reasoner, keys: list[int], rows: int, **told: Any) -> list[list[int]]:
    prompts = [shipped.prompt(f"What is {key} + 17?") for key in keys]
    engine = Hf(shipped, Decoding(24, 1.0, batch_size=rows))
    return [done.token_ids for done in engine.write(prompts, keys, **told)]


def test_a_rollout_follows_from_its_key_in_any_batch(shipped: Reasoner) -> None:
    done: list[int] = []
    together = ids(shipped, [3, 4, 5], 3, on_done=done.append)
    assert ids(shipped, [5, 3], 1) == [together[2], together[0]]
    assert done == [1, 2, 3]


def test_it_takes_no_options(shipped: Reasoner) -> None:
    with pytest.raises(ValueError, match="--engine hf takes no 'tensor_parallel_size'"):
        Hf(shipped, Decoding(), {"tensor_parallel_size": 2})

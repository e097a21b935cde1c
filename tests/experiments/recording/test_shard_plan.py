"""A task in numbered shards."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from probexit.experiments.recording.shard_plan import shards
from probexit.experiments.recording.tasks.base import Item, Task


@dataclass(frozen=True)
class Five(Task):
    def items(self) -> Iterator[Item]:
        return (Item(f"p{i}", "?", "!") for i in range(5))


def test_shards_hold_every_problem_once_in_order() -> None:
    found = list(shards(Five(), 5, 2))
    assert [(shard.number, shard.first) for shard in found] == [(0, 0), (1, 2), (2, 4)]
    assert [item.id for shard in found for item in shard.items] == [f"p{i}" for i in range(5)]


def test_a_task_with_fewer_problems_is_said() -> None:
    with pytest.raises(ValueError, match="only 5 problems: use --n 5"):
        list(shards(Five(), 7, 2))

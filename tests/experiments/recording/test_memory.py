"""Memory that runs out: less at once, the same recording, and one trace too much is said."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

import probexit as px
from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.loop import Loop
from probexit.experiments.recording.memory import BatchSize, in_halves
from probexit.experiments.recording.reading import RolloutReader
from probexit.experiments.verbs.record import Recording
from probexit.hooks.models import Reasoner


def limited(most: int) -> Any:
    def read(items: Sequence[int]) -> list[int]:
        if len(items) > most:
            raise torch.OutOfMemoryError
        return [2 * item for item in items]

    return read


@pytest.mark.parametrize("most", [1, 2, 3, 7, 100])
def test_halves_give_the_whole_in_order(most: int) -> None:
    assert in_halves(limited(most), range(7)) == [0, 2, 4, 6, 8, 10, 12]


def test_what_was_too_much_once_is_not_tried_again() -> None:
    size, tried = BatchSize(16), []

    def work(rows: int) -> int:
        tried.append(rows)
        if rows > 5:
            raise torch.OutOfMemoryError
        return rows

    assert [size.run(work), size.run(work)] == [4, 4]
    assert tried == [16, 8, 4, 4]


def test_one_trace_too_much_is_said() -> None:
    with pytest.raises(ValueError, match="no memory for a single trace"):
        in_halves(limited(0), [1, 2])
    with pytest.raises(ValueError, match="--device-map auto"):
        BatchSize(2).run(lambda rows: limited(0)([1]))


def test_a_recording_on_a_small_device_is_the_same(
    shipped: Reasoner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    how = Recording(decoding=Decoding(120, temperature=0, batch_size=8))
    whole = px.record(shipped, "arith:easy", tmp_path / "whole", 6, how).traces()
    run, read = Loop.run, RolloutReader.read

    def small_run(self: Loop, *args: Any, **kwargs: Any) -> Any:
        if self.decoding.batch_size > 2:
            raise torch.OutOfMemoryError
        return run(self, *args, **kwargs)

    def small_read(self: RolloutReader, rollouts: Any) -> Any:
        if len(rollouts) > 2:
            raise torch.OutOfMemoryError
        return read(self, rollouts)

    monkeypatch.setattr("probexit.experiments.verbs.record.run_checks", lambda *_, **__: [])
    monkeypatch.setattr("probexit.experiments.verbs.record.refuse_wrong", lambda _: None)
    monkeypatch.setattr(Loop, "run", small_run)
    monkeypatch.setattr(RolloutReader, "read", small_read)
    parts = px.record(shipped, "arith:easy", tmp_path / "parts", 6, how).traces()
    for one, other in zip(whole, parts, strict=True):
        assert one.token_ids.tolist() == other.token_ids.tolist()
        assert one.cues.answers == other.cues.answers
        torch.testing.assert_close(
            one.cues.hidden.float(), other.cues.hidden.float(), atol=0.05, rtol=0.02
        )

"""A run is fitted from where it lies on disk: its states are never all in memory."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from probexit.exits.trace import GradedCues, Trace
from probexit.experiments.evaluation.layers import layer_map
from probexit.experiments.fitting.fit import fit
from probexit.experiments.fitting.splits import Splits
from probexit.experiments.recording.shards import read_shard, tensor_file, write_shard
from probexit.probes.mean_difference import MeanDifference

LAYERS = tuple(range(8))


def widened(cues: GradedCues | None) -> GradedCues | None:
    """Eight layers of 300 columns, the last of which know the answer."""
    if cues is None:
        return None
    hidden = torch.randn(len(cues), 8, 300) + 3 * cues.correct[:, None, None]
    return replace(cues, hidden=hidden.bfloat16(), step_hidden=hidden.bfloat16())


@pytest.fixture
def run(make_traces: Callable[..., list[Trace]], tmp_path: Path) -> list[Trace]:
    made = make_traces(60)
    write_shard(
        tmp_path, 0, [replace(t, cues=widened(t.cues), start=widened(t.start)) for t in made]
    )
    return read_shard(tmp_path, 0)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc/self/maps")
def test_what_is_read_lies_in_the_file(run: list[Trace], tmp_path: Path) -> None:
    """Positive control: a copy lies in memory."""
    maps = Path("/proc/self/maps").read_text().splitlines()
    file = str(tensor_file(tmp_path, 0, 60))
    ranges = [[int(end, 16) for end in m.split()[0].split("-")] for m in maps if m.endswith(file)]

    def on_disk(tensor: torch.Tensor) -> bool:
        return any(first <= tensor.data_ptr() < end for first, end in ranges)

    for trace in (trace for trace in run if len(trace.cues)):
        assert on_disk(trace.cues.hidden)
        assert on_disk(trace.cues.step_hidden)
        assert not on_disk(trace.cues.hidden.clone())


def test_no_tensor_holds_all_layers(
    run: list[Trace], largest: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cues = sum(len(trace.cues) for trace in run)
    with largest() as found:
        fit(run, LAYERS, "mean_difference")
    assert found.values == cues * 8 * 300  # positive control: the set of all layers together
    monkeypatch.setattr("probexit.probes.sweep.LARGEST", cues * 2 * 300)
    with largest() as found:
        fit(run, LAYERS, "mean_difference")
        layer_map(Splits(run, run, run), LAYERS, MeanDifference)
    assert found.values == cues * 2 * 300

"""How early a later answer's rightness can be read."""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from probexit.calibration.statistics.bootstrap import Resampling
from probexit.exits.trace import Trace
from probexit.experiments.fitting.look_ahead import _pairs, look_ahead
from probexit.experiments.fitting.splits import Splits, split
from probexit.probes.discriminant import Discriminant

FEW = Resampling(draws=50)


@pytest.fixture
def example(hand_made: Callable[..., Trace]) -> Trace:
    """Answers "no 0", "no 1", "gold", "gold"; the state counts the cues: 0, 1, 2, 3."""
    made = hand_made("--++", True)
    hidden = torch.arange(4.0)[:, None, None].expand(-1, 3, 8)
    return replace(made, cues=replace(made.cues, hidden=hidden))


def test_pairs_by_hand(example: Trace) -> None:
    now, two = _pairs([example], 1, 0), _pairs([example], 1, 2)
    assert now.states[:, 0].tolist() == [0, 1, 2, 3]
    assert now.right.tolist() == [False, False, True, True]
    assert not now.changed.any()
    assert two.states[:, 0].tolist() == [0, 1]
    assert two.right.tolist() == [True, True]
    assert two.changed.tolist() == [True, True]
    assert _pairs([example], 1, 1).changed.tolist() == [True, True, False]
    assert len(_pairs([example], 1, 4).right) == 0


def foreseeing(trace: Trace, ahead: int) -> Trace:
    """A trace of coins whose states say, clearly, what the grade is ``ahead`` cues later."""
    generator = torch.Generator().manual_seed(int(trace.problem[1:]))
    right = torch.randint(2, (8,), generator=generator).bool()
    hidden = 0.3 * torch.randn(8, 1, 4, generator=generator)
    hidden[: 8 - ahead, 0, 0] += right[ahead:].float()
    answers = tuple(f"{'r' if ok else 'w'}{i}" for i, ok in enumerate(right))
    cues = {
        k: v[:1].expand(8, *v.shape[1:]) for k, v in vars(trace.cues).items() if torch.is_tensor(v)
    }
    made = replace(trace.cues, **{**cues, "hidden": hidden, "correct": right}, answers=answers)
    return replace(trace, cues=made)


def test_finds_the_distance_that_the_states_tell(make_traces: Callable[..., list[Trace]]) -> None:
    known = [foreseeing(t, 2) for t in make_traces(200) if len(t.cues)]
    found = look_ahead(split(known), 0, Discriminant, 3, FEW)
    told = [interval.estimate for interval in found.pooled]
    assert told[2] > 0.9
    assert all(abs(told[j] - 0.5) < 0.12 for j in (0, 1, 3))
    assert found.pairs[0] - found.pairs[1] == len(split(known).test)
    assert math.isnan(found.changed[0].estimate)
    assert found.changed[2].estimate > 0.9  # answers never stay, so it was foresight
    assert found.pooled[2].low < found.pooled[2].estimate < found.pooled[2].high


def test_stops_where_too_few_are_left(make_traces: Callable[..., list[Trace]]) -> None:
    found = look_ahead(split(make_traces(300)), 2, Discriminant, 40, FEW)
    assert 3 < len(found.pooled) < 13
    assert len(found.pooled) == len(found.changed) == len(found.pairs)
    silent = [t for t in make_traces(300) if not len(t.cues)]
    with pytest.raises(ValueError, match="record more problems"):
        look_ahead(Splits(silent, silent, silent), 0, Discriminant)

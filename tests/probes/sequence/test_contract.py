"""What every sequence probe must do. Members are found by walking the package, not listed."""

from pathlib import Path

import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor

from probexit.experiments.registry import members
from probexit.probes.sequence.base import SequenceProbe
from probexit.probes.sequence.gru import GRU
from probexit.probes.sequence.lstm import LSTM

D, THINKINGS = 12, 160
MEMBERS = members("probexit.probes.sequence")
Thinkings = tuple[list[Tensor], list[Tensor]]
every_probe = pytest.mark.parametrize("make", MEMBERS.values(), ids=MEMBERS.keys())


def sample(seed: int, shift: float = 2.0) -> Thinkings:
    """Thinkings of 0 to 7 cues that turn right somewhere, told apart along every direction."""
    generator = torch.Generator().manual_seed(seed)
    states, labels = [], []
    for _ in range(THINKINGS):
        c = int(torch.randint(0, 8, (1,), generator=generator))
        turn = int(torch.randint(0, c + 1, (1,), generator=generator))
        y = (torch.arange(c) >= turn).float()
        states.append(torch.randn(c, D, generator=generator) + shift * (2 * y[:, None] - 1))
        labels.append(y)
    return states, labels


def chance(seed: int) -> Thinkings:
    """Labels that the states know nothing of: a coin for each."""
    states, labels = sample(seed, shift=0.0)
    generator = torch.Generator().manual_seed(seed + 100)
    return states, [torch.randint(2, y.shape, generator=generator).float() for y in labels]


def auroc(probe: SequenceProbe, data: Thinkings) -> float:
    scores = torch.cat([probe.score(states) for states in data[0]])
    return float(roc_auc_score(torch.cat(data[1]).numpy(), scores.numpy()))


@pytest.fixture(scope="module")
def fitted() -> dict[type[SequenceProbe], SequenceProbe]:
    return {make: make().fit(*sample(0)) for make in MEMBERS.values()}


def test_members_are_found() -> None:
    assert {"lstm", "gru", "ridge", "adapting"} <= set(MEMBERS)


@every_probe
def test_learns_what_can_be_learned(make: type[SequenceProbe], fitted) -> None:
    unseen = sample(1)
    scores = torch.cat([fitted[make].score(states) for states in unseen[0]])
    labels = torch.cat(unseen[1])
    assert auroc(fitted[make], unseen) > 0.95
    assert scores.dtype == torch.float32
    assert scores.min() >= 0
    assert scores.max() <= 1
    assert scores[labels == 1].mean() > scores[labels == 0].mean() + 0.3


@every_probe
def test_learns_nothing_from_chance(make: type[SequenceProbe]) -> None:
    """Position alone would tell in ``sample``; here nothing does."""
    assert abs(auroc(make().fit(*chance(0)), chance(1)) - 0.5) < 0.1


@every_probe
def test_what_comes_later_changes_no_bit(make: type[SequenceProbe], fitted) -> None:
    for states in sample(1)[0][:20]:
        scores = fitted[make].score(states)
        assert scores.shape == (len(states),)
        for t in range(len(states) + 1):
            assert torch.equal(fitted[make].score(states[:t]), scores[:t])


@pytest.mark.parametrize("make", [LSTM, GRU, MEMBERS["adapting"]])
def test_what_came_before_does(make: type[SequenceProbe], fitted) -> None:
    state = torch.ones(1, D)
    after = fitted[make].score(torch.cat([state, -state, state]))
    assert after[2] != after[0]


@every_probe
def test_one_seed_one_probe_and_surroundings_left_alone(make: type[SequenceProbe], fitted) -> None:
    data, before = sample(0), torch.get_rng_state()
    again = make().fit(*data)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(data[0], sample(0)[0], strict=True))
    for states in sample(1)[0][:10]:
        assert torch.equal(again.score(states), fitted[make].score(states))


@every_probe
def test_saved_and_loaded_gives_the_same_bits(
    make: type[SequenceProbe], fitted, tmp_path: Path
) -> None:
    fitted[make].save(tmp_path)
    before = torch.get_rng_state()
    loaded = make.load(tmp_path)
    assert torch.equal(torch.get_rng_state(), before)
    assert loaded == fitted[make]
    assert loaded.width == D
    for states in sample(1)[0][:10]:
        assert torch.equal(loaded.score(states), fitted[make].score(states))
    other = next(member for member in MEMBERS.values() if member is not make)
    with pytest.raises(ValueError, match="load that"):
        other.load(tmp_path)


@every_probe
def test_any_dtype_gives_float32(make: type[SequenceProbe], fitted) -> None:
    states = torch.randn(5, D).bfloat16()
    scores = fitted[make].score(states)
    assert scores.dtype == torch.float32
    assert torch.equal(scores, fitted[make].score(states.float()))


@every_probe
def test_no_number_passes_no_threshold_and_spares_what_came_before(
    make: type[SequenceProbe], fitted
) -> None:
    states = torch.randn(5, D)
    clean = fitted[make].score(states)
    states[3, 2] = torch.nan
    spoilt = fitted[make].score(states)
    assert torch.equal(spoilt[:3], clean[:3])
    assert not bool(spoilt[3] >= -torch.inf)


@every_probe
def test_shares_are_labels_too(make: type[SequenceProbe]) -> None:
    """A score is the expectation of its label, such as how far the thinking has come."""
    states, labels = sample(0)
    halves = [0.25 + 0.5 * y for y in labels]
    probe = make().fit(states, halves)
    found = torch.cat([probe.score(s) for s in sample(1)[0]])
    right = torch.cat(sample(1)[1]) == 1
    assert abs(found[right].mean() - 0.75) < 0.15
    assert abs(found[~right].mean() - 0.25) < 0.15


@every_probe
def test_unfitted_and_wrong_width(make: type[SequenceProbe], fitted) -> None:
    for use in (lambda p: p.score(torch.zeros(2, D)), lambda p: p.state(), lambda p: p.width):
        with pytest.raises(ValueError, match="not fitted"):
            use(make())
    with pytest.raises(ValueError, match=f"width {D}"):
        fitted[make].score(torch.zeros(3, D + 1))


def bad_data() -> dict[str, Thinkings]:
    states, labels = sample(0)
    holed = [s.clone() for s in states]
    long = next(i for i, s in enumerate(states) if len(s) > 2)
    holed[long][1, 1] = torch.inf
    return {
        f"thinking {long} has non-finite": (holed, labels),
        "none of the thinkings has a cue": ([s[:0] for s in states], [y[:0] for y in labels]),
        "all labels are 1": (states, [torch.ones_like(y) for y in labels]),
        r"must be in \[0, 1\]": (states, [y + 1 for y in labels]),
        "160 states, 159 labels": (states, labels[1:]),
        r"thinking 0: states must be \[c, d\]": ([s.flatten() for s in states], labels),
    }


@every_probe
@pytest.mark.parametrize("message", bad_data())
def test_bad_training_data_is_refused(make: type[SequenceProbe], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make().fit(*bad_data()[message])

"""What every probe must do. Members are found by walking the package, not listed."""

import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor

import probexit.probes
from probexit.probes.base import Probe
from probexit.probes.logistic import Logistic
from probexit.probes.sweep import sweep

D, PROBLEMS, CUES = 16, 80, 6
GROUPS = torch.arange(PROBLEMS).repeat_interleave(CUES)
N = len(GROUPS)


def members() -> list[type[Probe]]:
    modules = [
        importlib.import_module(f"probexit.probes.{info.name}")
        for info in pkgutil.iter_modules(probexit.probes.__path__)
    ]
    return [
        value
        for module in modules
        for value in vars(module).values()
        if inspect.isclass(value)
        and issubclass(value, Probe)
        and not inspect.isabstract(value)
        and value.__module__ == module.__name__
    ]


def sample(seed: int, shift: float = 8.0) -> tuple[Tensor, Tensor]:
    """Classes apart along *every* direction, so that even a random one tells them."""
    generator = torch.Generator().manual_seed(seed)
    y = (torch.rand(N, generator=generator) < 0.4).long()
    X = torch.randn(N, D, generator=generator)
    return X + shift * y[:, None] * torch.linspace(1, 2, D), y


def recognisable_problems() -> tuple[Tensor, Tensor, Tensor]:
    """Cues that give away their problem ``[600, 1, 200]``, and a coin's label for each problem."""
    generator = torch.Generator().manual_seed(0)
    groups = torch.arange(150).repeat_interleave(4)
    hidden = torch.randn(150, 200, generator=generator)[groups]
    hidden += 0.1 * torch.randn(hidden.shape, generator=generator)
    return hidden[:, None], torch.randint(2, (150,), generator=generator)[groups], groups


def held_out_auroc(probe: Probe, X: Tensor, y: Tensor) -> float:
    return float(roc_auc_score(y.numpy(), probe.score(X).numpy()))


every_probe = pytest.mark.parametrize("make", members(), ids=lambda make: make.__name__)


@pytest.fixture(scope="module")
def fitted() -> dict[type[Probe], Probe]:
    X, y = sample(0, shift=0.3)
    return {make: make().fit(X, y, GROUPS) for make in members()}


def test_members_are_found_one_per_module():
    modules = [make.__module__ for make in members()]
    assert len(modules) == len(set(modules)) >= 5


@every_probe
def test_solves_separable_data_and_larger_means_likelier_right(make: type[Probe]):
    probe = make().fit(*sample(0), GROUPS)
    X, y = sample(1)
    scores = probe.score(X)
    assert held_out_auroc(probe, X, y) > 0.99
    assert scores.min() >= 0
    assert scores.max() <= 1
    assert scores[y == 1].mean() > 0.8 > 0.2 > scores[y == 0].mean()


@every_probe
def test_random_labels_of_recognisable_problems_teach_nothing(make: type[Probe]):
    hidden, y, groups = recognisable_problems()
    result = sweep(make, hidden, y, groups).best
    assert abs(result.auroc - 0.5) < 0.15


def test_which_would_fail_if_problems_were_not_kept_together():
    hidden, y, _ = recognisable_problems()
    assert sweep(Logistic, hidden, y, torch.arange(len(y))).best.auroc > 0.95


@every_probe
def test_order_of_training_rows_does_not_matter(make: type[Probe], fitted):
    X, y = sample(0, shift=0.3)
    order = torch.randperm(N, generator=torch.Generator().manual_seed(3))
    other = make().fit(X[order], y[order], GROUPS[order])
    X, _ = sample(1, shift=0.3)
    assert (other.score(X) - fitted[make].score(X)).abs().mean() < 0.05


@every_probe
def test_score_of_a_row_does_not_depend_on_its_batch(make: type[Probe], fitted):
    X, _ = sample(1, shift=0.3)
    scores = fitted[make].score(X)
    torch.testing.assert_close(fitted[make].score(X.flip(0)).flip(0), scores, rtol=0, atol=1e-6)
    alone = torch.stack([fitted[make].score(x) for x in X])
    torch.testing.assert_close(alone, scores, rtol=0, atol=1e-6)


@every_probe
def test_fit_repeats_exactly_and_leaves_its_surroundings_alone(make: type[Probe], fitted):
    X, y = sample(0, shift=0.3)
    before, random_state = X.clone(), torch.get_rng_state()
    again = make().fit(X, y, GROUPS)
    assert torch.equal(again.score(X), fitted[make].score(X))
    assert torch.equal(X, before)
    assert torch.equal(torch.get_rng_state(), random_state)


@every_probe
def test_saved_and_loaded_probe_gives_the_same_bits(make: type[Probe], fitted, tmp_path: Path):
    fitted[make].save(tmp_path)
    loaded = make.load(tmp_path)
    X, _ = sample(1, shift=0.3)
    assert loaded == fitted[make]
    assert loaded.width == D
    assert torch.equal(loaded.score(X), fitted[make].score(X))


@every_probe
def test_a_folder_of_another_probe_is_refused(make: type[Probe], fitted, tmp_path: Path):
    other = next(member for member in members() if member is not make)
    fitted[other].save(tmp_path)
    with pytest.raises(ValueError, match="load that"):
        make.load(tmp_path)


@every_probe
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_any_dtype_any_leading_shape(make: type[Probe], fitted, dtype: torch.dtype):
    X, _ = sample(1, shift=0.3)
    X = X.to(dtype)
    scores = fitted[make].score(X.reshape(PROBLEMS, CUES, D))
    assert scores.shape == (PROBLEMS, CUES)
    assert scores.dtype == torch.float32
    expected = fitted[make].score(X.float())
    torch.testing.assert_close(scores.flatten(), expected, rtol=0, atol=1e-6)


@every_probe
def test_fits_on_bfloat16_states_and_boolean_labels(make: type[Probe]):
    X, y = sample(0)
    probe = make().fit(X.bfloat16(), y.bool(), GROUPS)
    assert held_out_auroc(probe, *sample(1)) > 0.99


@every_probe
def test_autocast_does_not_reach_the_score(make: type[Probe], fitted):
    X, _ = sample(1, shift=0.3)
    with torch.autocast("cpu", torch.bfloat16):
        inside = fitted[make].score(X)
    assert torch.equal(inside, fitted[make].score(X))


@every_probe
def test_massive_and_constant_features_do_no_harm(make: type[Probe]):
    def disturbed(seed: int) -> tuple[Tensor, Tensor]:
        X, y = sample(seed)
        X[:, 0] += 3000.0
        X[:, 1] = 3.3
        return X, y

    probe = make().fit(*disturbed(0), GROUPS)
    X, y = disturbed(1)
    assert held_out_auroc(probe, X, y) > 0.9
    X[:, 1] += 1e-4  # of no consequence, unless rounding noise was taken for a scale
    assert held_out_auroc(probe, X, y) > 0.9
    torch.testing.assert_close(probe.score(X), probe.score(disturbed(1)[0]), rtol=0, atol=1e-3)


@every_probe
def test_a_nan_spoils_only_its_own_score(make: type[Probe], fitted):
    X, _ = sample(1, shift=0.3)
    X[3, 5] = float("nan")
    assert torch.isnan(fitted[make].score(X)).nonzero().tolist() == [[3]]


@every_probe
def test_unfitted_probe_says_so(make: type[Probe]):
    for use in (lambda p: p.score(torch.zeros(2, D)), lambda p: p.state(), lambda p: p.width):
        with pytest.raises(ValueError, match="not fitted"):
            use(make())


@every_probe
def test_wrong_width_is_refused(make: type[Probe], fitted):
    for shape in ([3, D + 1], [D, 3], []):
        with pytest.raises(ValueError, match=f"width {D}"):
            fitted[make].score(torch.zeros(shape))


def bad_inputs() -> dict[str, tuple[Tensor, Tensor, Tensor | None]]:
    X, y = sample(0)
    holed, infinite = X.clone(), X.clone()
    holed[7, 2], infinite[7, 2] = float("nan"), float("inf")
    return {
        "row 7": (holed, y, GROUPS),
        "first: row 7": (infinite, y, GROUPS),
        "only \\[1.0\\]": (X, torch.ones(N), GROUPS),
        "only \\[\\]": (X[:0], y[:0], None),
        "0 or 1": (X, y + 1, GROUPS),
        "y must be": (X, y[:-1], GROUPS),
        "groups must be": (X, y, GROUPS[:-1]),
        "must be \\[n, d\\]": (X[0], y[:1], None),
    }


@every_probe
@pytest.mark.parametrize("message", bad_inputs())
def test_bad_training_data_is_refused_by_name(make: type[Probe], message: str):
    with pytest.raises(ValueError, match=message):
        make().fit(*bad_inputs()[message])

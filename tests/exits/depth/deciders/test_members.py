"""Every decider obeys the contract; members are found by walking the package."""

import inspect
import math
import pkgutil
from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest
import torch
from torch import Tensor

from probexit.exits.depth import deciders
from probexit.exits.depth.controller import DepthController
from probexit.exits.depth.deciders.adainfer import AdaInfer
from probexit.exits.depth.deciders.base import Decider
from probexit.exits.depth.deciders.calibrated_entropy import CalibratedEntropy
from probexit.exits.depth.deciders.decaying import Decaying
from probexit.exits.depth.deciders.entropy import Entropy
from probexit.exits.depth.deciders.examples import Examples, record
from probexit.exits.depth.deciders.few_columns import FewColumns
from probexit.exits.depth.deciders.gap import Gap
from probexit.exits.depth.deciders.halting import Halting, relative_drift
from probexit.exits.depth.deciders.layer_view import LayerView
from probexit.exits.depth.deciders.max_probability import MaxProbability
from probexit.exits.depth.deciders.oracle import OracleDecider
from probexit.exits.depth.deciders.patience import PatienceDecider
from probexit.exits.depth.deciders.probe import ProbeDecider
from probexit.exits.depth.deciders.saturation import Saturation
from probexit.exits.depth.deciders.schedule import Schedule
from probexit.exits.depth.deciders.stop_exit_continue import StopExitContinue
from probexit.exits.depth.heads.plain import PlainHead
from probexit.exits.depth.heads.readout import Readout
from probexit.exits.depth.modes.shadow import Shadow
from probexit.exits.depth.rule import ExitRule

LAYERS = (1, 2, 4)
# No look at the token, or a look that tells nothing in a random model.
UNINFORMED = (
    "Acceptance",  # it looks back at the token that was read
    "AtRandom",
    "Schedule",
    "PatienceDecider",
    "Saturation",
    "StopExitContinue",
)
MADE = {"Decaying": lambda cls: cls(Gap())}


def members() -> list[type[Decider]]:
    found = []
    for module in pkgutil.iter_modules(deciders.__path__, deciders.__name__ + "."):
        for _, cls in inspect.getmembers(import_module(module.name), inspect.isclass):
            if issubclass(cls, Decider) and cls.__module__ == module.name and cls is not Decider:
                found.append(cls)
    return found


def made(cls: type[Decider]) -> Decider:
    return MADE.get(cls.__name__, lambda cls: cls())(cls)


@pytest.fixture(scope="module")
def examples() -> Examples:
    from importlib.util import module_from_spec, spec_from_file_location
    from pathlib import Path

    spec = spec_from_file_location("models", Path(__file__).parents[1] / "conftest.py")
    assert spec
    assert spec.loader
    models = module_from_spec(spec)
    spec.loader.exec_module(models)
    model = models.build("llama", hidden_size=16, vocab_size=11)
    for layer in model.model.layers[2:]:  # later layers change little, so early ones agree often
        layer.self_attn.o_proj.weight *= 0.4
        layer.mlp.down_proj.weight *= 0.4
    model.requires_grad_(True)  # as models come
    texts = torch.randint(3, 11, (12, 40), generator=torch.Generator().manual_seed(0)).tolist()
    found = record(model, Readout(model, PlainHead()), texts, LAYERS)
    # Texts that the model writes itself when its state points one way, and that surprise it else.
    own = found.hidden[:, 0, 0] > 0
    return replace(found, gold=torch.where(own, found.final, (found.final + 1) % 11))


def test_members_are_found() -> None:
    assert len(members()) >= 14


@pytest.mark.parametrize("cls", members())
def test_contract(cls: type[Decider], examples: Examples, tmp_path: Any) -> None:
    decider = made(cls).fit(examples)
    rows = torch.tensor([3, 50, 7])
    for look in examples.looks():
        scores = decider.score(look)
        assert scores.shape == (len(examples),)
        assert not scores.isnan().any()
        assert decider.stops(look).shape == (len(examples),)
        if cls.__name__ != "AtRandom":  # a pure function of the row
            assert torch.allclose(decider.score(look.rows(rows)), scores[rows], atol=1e-5)
    rule = ExitRule(LAYERS, decider, PlainHead(), 0.5)
    DepthController(rule, Shadow()).save(tmp_path)
    loaded = DepthController.load(tmp_path).rule.decider
    for look in examples.looks():
        assert torch.allclose(loaded.score(look), decider.score(look), atol=1e-6)


@pytest.mark.parametrize("cls", [c for c in members() if c.__name__ not in UNINFORMED])
def test_scores_tell_agreement(cls: type[Decider], examples: Examples) -> None:
    """A positive control: where a decider would leave first, it is right more often than not."""
    from sklearn.metrics import roc_auc_score

    decider = made(cls).fit(examples)
    agreement = examples.agreement()
    looks = list(examples.looks())
    areas = [
        roc_auc_score(agreement[:, e].numpy(), decider.score(looks[e]).numpy()) for e in (1, 2)
    ]
    assert min(areas) > 0.5 + 0.02, areas


@pytest.mark.parametrize(
    "decider", [ProbeDecider(), AdaInfer(), CalibratedEntropy(), StopExitContinue(), FewColumns()]
)
def test_unfitted_deciders_say_so(decider: Decider, examples: Examples) -> None:
    *_, look = examples.looks()
    with pytest.raises(ValueError, match="not fitted for layer 4"):
        decider.score(look)


class Fixed:
    """A readout with logits given by hand: the hidden state is the logits."""

    depth = 8

    def logits(self, hidden: Tensor, layer: int) -> Tensor:
        return hidden


def look(
    logits: list[float], layer: int = 3, step: int = 1, previous: LayerView | None = None
) -> LayerView:
    hidden = torch.tensor([logits])
    return LayerView(layer, hidden, hidden.flip(-1), step, Fixed(), previous)  # type: ignore[arg-type]


def test_confidences_by_hand() -> None:
    half = look([math.log(0.5), math.log(0.3), math.log(0.2)])
    assert float(Gap().score(half)) == pytest.approx(0.2)
    assert float(MaxProbability().score(half)) == pytest.approx(0.5)
    entropy = -(0.5 * math.log(0.5) + 0.3 * math.log(0.3) + 0.2 * math.log(0.2))
    assert float(Entropy().score(half)) == pytest.approx(1 - entropy / math.log(3))
    certain = look([0.0, float("-inf"), float("-inf")])
    assert float(Entropy().score(certain)) == 1.0  # 0 log 0 is 0, not NaN


def test_saturation_by_hand() -> None:
    assert float(Saturation().score(look([3.0, 4.0]))) == pytest.approx(24 / 25)


def test_relative_drift_by_hand() -> None:
    moved = relative_drift(torch.tensor([[1.03, 1.04]]), torch.tensor([[1.0, 1.0]]))
    assert moved.tolist() == pytest.approx([0.035355], abs=1e-6)


def test_halting_wants_both_signals() -> None:
    """Sharp but moving, or still but unsure, does not halt; still and sharp does."""
    halting = Halting()
    halting.restore(
        {
            "3.drift": torch.tensor([0.1, 0.2, 0.3, 0.4]),
            "3.entropy": torch.tensor([0.1, 0.3, 0.6, 0.7]),
        }
    )

    def halted(logits: list[float], drift: float) -> float:
        hidden = torch.tensor([logits])
        view = LayerView(3, hidden, hidden / (1 + drift), 1, Fixed())  # type: ignore[arg-type]
        return float(halting.score(view))

    sharp, flat = [9.0, 1.0], [1.0, 1.0]  # entropies .003 and .693
    assert halted(sharp, 0.05) == 1.0
    assert halted(sharp, 0.35) == pytest.approx(0.25)
    assert halted(flat, 0.05) == pytest.approx(0.25)
    assert halted(flat, 0.5) == 0.0


def test_patience_counts_the_unbroken_run() -> None:
    a, b = [1.0, 0.0], [0.0, 1.0]
    first = look(a)
    second = look(b, 4, previous=first)
    third = look(b, 5, previous=second)
    fourth = look(b, 6, previous=third)
    counts = [float(PatienceDecider().score(it)) for it in (first, second, third, fourth)]
    assert counts == [0, 0, 1, 2]


def test_the_schedule_falls_with_the_position() -> None:
    schedule = Schedule(deepest=1.0, shallowest=0.5, length=3)
    depths = [
        min(layer + 1 for layer in range(8) if float(schedule.score(look([0.0], layer, s))) >= 0)
        for s in (1, 2, 3, 9)
    ]
    assert depths == [8, 6, 4, 4]


def test_the_decaying_threshold_is_calms() -> None:
    inner = look([math.log(0.9), math.log(0.1)], step=64)
    threshold = 0.8
    calm = 0.9 * threshold + 0.1 * math.exp(-4 * 64 / 256)
    leaves = float(Decaying(Gap()).score(inner)) >= threshold
    assert leaves == (calm <= 0.8)
    assert float(Decaying(Gap()).score(inner)) * 0.9 + calm - 0.9 * threshold == pytest.approx(0.8)


def test_calibrated_entropy_is_the_largest_entropy_at_the_level(examples: Examples) -> None:
    decider = CalibratedEntropy().fit(examples)
    *_, last = examples.looks()
    agrees = examples.agreement()[:, -1]
    entropies = -(last.logits.softmax(-1) * last.logits.log_softmax(-1)).sum(-1)
    for level in (0.7, 0.8, 0.9):
        leaves = decider.score(last) >= level
        largest = max(
            (float(e) for e in entropies if agrees[entropies <= e].float().mean() >= level - 1e-6),
            default=-1.0,
        )
        assert torch.equal(leaves, entropies <= largest + 1e-6)


def test_a_level_reaches_over_a_dip_in_agreement() -> None:
    """Agreement of the surest 1, 2, 3, 4 tokens: 1, 1/2, 2/3, 3/4."""
    logits = torch.tensor([[9.0, 0.0], [3.0, 0.0], [2.0, 0.0], [1.0, 0.0]])[:, None]
    final = torch.tensor([0, 1, 0, 0])
    none = torch.zeros(4, dtype=torch.long)
    by_hand = Examples((3,), logits, logits, final, none, none, none, Fixed())  # type: ignore[arg-type]
    decider = CalibratedEntropy().fit(by_hand)
    assert decider.score(next(by_hand.looks())).tolist() == [1.0, 0.75, 0.75, 0.75]


def test_few_columns_checks_all_columns_before_it_leaves(examples: Examples) -> None:
    decider = FewColumns(candidates=2).fit(examples)
    *_, last = examples.looks()
    first = next(examples.looks())
    candidates = first.logits.topk(2).indices
    outside = ~(candidates == last.tokens[:, None]).any(1)
    assert outside.any()
    assert (decider.score(last)[outside] <= 0.5).all()


def test_stop_needs_texts_of_others(examples: Examples) -> None:
    decider = StopExitContinue(stop_threshold=0.3).fit(examples)
    stops = torch.stack([decider.stops(it) for it in examples.looks()])
    assert stops.any()
    assert not stops.all()
    off = decider.with_stop(math.inf)
    for view in examples.looks():
        assert not off.stops(view).any()
        assert torch.equal(off.score(view), decider.score(view))
    own = replace(examples, gold=examples.final)
    with pytest.raises(ValueError, match="did not write itself"):
        StopExitContinue().fit(own)


def test_the_oracle_is_always_right(examples: Examples) -> None:
    rule = ExitRule(LAYERS, OracleDecider(), PlainHead(), 0.5)
    looks = list(examples.looks())
    chosen = rule.first(looks)
    agreement = examples.agreement()
    assert any(layer is not None for layer in chosen)
    for row, layer in enumerate(chosen):
        if layer is not None:
            assert agreement[row, LAYERS.index(layer)]


def test_examples_split_by_text(examples: Examples) -> None:
    first, others = examples.split(0.75)
    assert set(first.groups.tolist()) == set(range(9))
    assert set(others.groups.tolist()) == {9, 10, 11}
    assert len(first) + len(others) == len(examples)
    assert torch.equal(others.hidden, examples.hidden[len(first) :])
    with pytest.raises(ValueError, match="cannot be split"):
        examples.split(0.01)


def test_a_decider_that_stands_alone_ignores_the_rest(examples: Examples) -> None:
    """Exits are chosen afterwards only for deciders whose score they do not change."""
    for cls in members():
        decider = made(cls).fit(examples)
        *_, last = examples.looks()
        elsewhere = replace(last, previous=None, step=77)
        if decider.alone:
            assert torch.equal(decider.score(elsewhere), decider.score(last)), cls
    assert not PatienceDecider().alone
    assert not Schedule().alone
    assert Schedule(0.5, 0.5).alone

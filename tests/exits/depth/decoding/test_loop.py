"""Catch-up and self-speculation: the modes that keep tokens waiting."""

from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import DynamicCache, LogitsProcessor, LogitsProcessorList

from probexit.exits.depth.controller import DepthController
from probexit.exits.depth.decoding.cache import DepthCache
from probexit.exits.depth.decoding.forward_passes import Passes
from probexit.exits.depth.heads.plain import PlainHead
from probexit.exits.depth.modes.catch_up import CatchUp
from probexit.exits.depth.modes.full import Full
from probexit.exits.depth.modes.layer_set_drafts import LayerSetDrafts
from probexit.exits.depth.modes.self_speculation import SelfSpeculation
from probexit.exits.depth.modes.tuned_stop import DraftStop
from probexit.exits.depth.rule import ExitRule
from probexit.hooks.forward import forward, generate_cache_name

LAYERS = (1, 2, 3, 4)


def controller(mode: Any, decider: Any, layers: tuple[int, ...] = LAYERS) -> DepthController:
    return DepthController(ExitRule(layers, decider, PlainHead(), 0.5), mode)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, Tensor, Tensor, bool]]:
    """Every pass: settled columns before it, its tokens, its logits, whether it was deep."""
    passes: list[tuple[int, Tensor, Tensor, bool]] = []
    run = Passes.run

    def spy(self: Passes, tokens: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        columns = self.cache.columns
        logits = run(self, tokens, *args, **kwargs)
        passes.append((columns, tokens, logits, self.deep))
        return logits

    monkeypatch.setattr(Passes, "run", spy)
    return passes


def worst_deep_error(model: Any, ids: Tensor, seen: list[Any]) -> float:
    """Largest difference of a deep pass's logits from the full model's on the same tokens."""
    worst = 0.0
    for columns, tokens, logits, deep in seen:
        if deep:
            text = torch.cat([ids[:, :columns], tokens], 1)
            with torch.inference_mode():
                full = model(input_ids=text).logits[0, -len(logits) :]
            worst = max(worst, float((full - logits).abs().max()))
    return worst


def write(
    model: Any, prompt: Tensor, mode: Any, decider: Any, **options: Any
) -> tuple[Tensor, Any]:
    options = {"max_new_tokens": 24, "eos_token_id": None, "do_sample": False} | options
    layers = options.pop("layers", LAYERS)
    with controller(mode, decider, layers).attach(model) as attached:
        return model.generate(prompt, **options), attached


def test_deep_tokens_after_catching_up_are_the_full_models(
    deep: Any, coin: Any, prompt: Tensor, seen: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    coin.chance = 0.35
    ids, attached = write(deep, prompt, CatchUp(max_waiting=5), coin)
    depths = {depth for (depth,) in attached.trace.depths}
    assert len(depths) > 2
    assert max(depths) == 6
    assert worst_deep_error(deep, ids, seen) < 1e-4  # I4
    # The same with one column too many kept must show, or the check is blind.
    seen.clear()
    keep = DepthCache.keep
    monkeypatch.setattr(
        DepthCache, "keep", lambda self, layer, n: keep(self, layer, n) if layer != 3 else None
    )
    with pytest.raises(RuntimeError):  # shapes that do not fit
        write(deep, prompt, SelfSpeculation(), coin)


@pytest.mark.parametrize(
    "mode",
    [SelfSpeculation(4), SelfSpeculation(4, 0.5), LayerSetDrafts(4, 0.2, skipped=(2, 4))],
    ids=["early exit", "unsure", "layer set"],
)
def test_self_speculation_is_lossless(
    deep: Any, coin: Any, prompt: Tensor, seen: Any, mode: Any
) -> None:
    plain = deep.generate(prompt, max_new_tokens=24, eos_token_id=None, do_sample=False)
    ids, attached = write(deep, prompt, mode, coin)
    assert torch.equal(ids, plain)  # I6
    assert worst_deep_error(deep, ids, seen) < 1e-4
    assert sum(len(r.drafts) for r in attached.trace.rounds) > 3


def test_the_stop_of_a_layer_set_moves_with_what_was_accepted(
    deep_model: Any, coin: Any, prompt: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    after, stops = DraftStop.after, []

    def noted(self: DraftStop, accepted: int, drafted: int, most: int) -> DraftStop:
        stops.append(after(self, accepted, drafted, most))
        return stops[-1]

    monkeypatch.setattr(DraftStop, "after", noted)
    _, attached = write(deep_model("llama"), prompt, LayerSetDrafts(4, 0.2, skipped=(2, 4)), coin)
    expected = DraftStop(0.2)
    for past in attached.trace.rounds:
        expected = after(expected, past.accepted, len(past.drafts), 4)
    assert stops[-1] == expected
    assert stops[-1].threshold != 0.2


def test_a_stale_state_shows_in_the_verification(
    deep_model: Any, coin: Any, prompt: Tensor, seen: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from probexit.exits.depth.decoding.ragged import Ragged

    enter = Ragged._enter

    def stale(self: Ragged, embedded: Tensor) -> None:
        self._states = self._states.roll(1, -1)
        enter(self, embedded)

    monkeypatch.setattr(Ragged, "_enter", stale)
    model = deep_model("llama")
    ids, _ = write(model, prompt, SelfSpeculation(4), coin)
    assert worst_deep_error(model, ids, seen) > 0.1


def test_fixed_exit_drafts_every_token_there(deep_model: Any, always: Any, prompt: Tensor) -> None:
    _, attached = write(deep_model("llama"), prompt, SelfSpeculation(3), always, layers=(2,))
    drafts = [depth for r in attached.trace.rounds for depth in r.drafts]
    assert set(drafts) == {3}
    assert all(r.verification == 6 for r in attached.trace.rounds)
    assert all(len(r.drafts) == 3 for r in attached.trace.rounds)


def perfect(model: Any) -> Any:
    """Make the layers after the third do nothing, so that every draft is right."""
    for layer in model.model.layers[3:]:
        layer.self_attn.o_proj.weight.zero_()
        layer.mlp.down_proj.weight.zero_()
    return model


@pytest.mark.parametrize("max_drafts", [1, 4])
@pytest.mark.parametrize("limit", [1, 2, 7])
def test_limits_inside_a_draft(
    deep_model: Any, always: Any, prompt: Tensor, max_drafts: int, limit: int
) -> None:
    model = perfect(deep_model("llama"))
    plain = model.generate(prompt, max_new_tokens=limit, eos_token_id=None, do_sample=False)
    ids, attached = write(
        model, prompt, SelfSpeculation(max_drafts), always, layers=(2,), max_new_tokens=limit
    )
    assert torch.equal(ids, plain)
    assert all(r.accepted == len(r.drafts) for r in attached.trace.rounds)  # accept-all


def test_end_of_text_inside_a_draft(deep_model: Any, always: Any, prompt: Tensor) -> None:
    model = perfect(deep_model("llama"))
    plain = model.generate(prompt, max_new_tokens=24, eos_token_id=None, do_sample=False)
    end = int(plain[0, prompt.shape[1] + 5])
    want = model.generate(prompt, max_new_tokens=24, eos_token_id=end, do_sample=False)
    ids, _ = write(model, prompt, SelfSpeculation(4), always, layers=(2,), eos_token_id=end)
    assert torch.equal(ids, want)
    assert ids.shape[1] < plain.shape[1]


def test_rejecting_every_draft(deep_model: Any, always: Any, prompt: Tensor) -> None:
    class Opposite(PlainHead):
        def translate(self, hidden: Tensor, layer: int) -> Tensor:
            return -hidden

    model = perfect(deep_model("llama"))
    rule = ExitRule((2,), always, Opposite(), 0.5)
    plain = model.generate(prompt, max_new_tokens=12, eos_token_id=None, do_sample=False)
    with DepthController(rule, SelfSpeculation(3)).attach(model) as attached:
        ids = model.generate(prompt, max_new_tokens=12, eos_token_id=None, do_sample=False)
    assert torch.equal(ids, plain)
    assert {r.accepted for r in attached.trace.rounds} == {0}


class Forbid(LogitsProcessor):
    """Depends on the prefix: a processor given another prefix would forbid another token."""

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        scores = scores.clone()
        scores[:, int(input_ids.sum()) % 7 :: 7] = float("-inf")
        return scores


@pytest.mark.parametrize("mode", [SelfSpeculation(4), CatchUp(4), Full()])
def test_processors_apply_as_in_generate(
    deep_model: Any, coin: Any, prompt: Tensor, mode: Any
) -> None:
    model = deep_model("llama")
    end = int(model.generate(prompt, max_new_tokens=1, do_sample=False)[0, -1])
    options = {
        "max_new_tokens": 16,
        "min_new_tokens": 9,
        "eos_token_id": end,
        "do_sample": False,
        "logits_processor": LogitsProcessorList([Forbid()]),
    }
    plain = model.generate(prompt, **options)
    coin.chance = 0.0 if isinstance(mode, CatchUp) else 0.5
    ids, _ = write(model, prompt, mode, coin, **options)
    assert torch.equal(ids, plain)


def test_left_padding_of_one_prompt(deep_model: Any, coin: Any, prompt: Tensor) -> None:
    model = deep_model("llama")
    padded = torch.nn.functional.pad(prompt, (3, 0), value=0)
    mask = torch.nn.functional.pad(torch.ones_like(prompt), (3, 0))
    plain = model.generate(prompt, max_new_tokens=12, do_sample=False, eos_token_id=None)
    ids, _ = write(model, padded, SelfSpeculation(3), coin, attention_mask=mask, max_new_tokens=12)
    assert torch.equal(ids[:, 3:], plain)


def test_sampled_text_has_the_full_models_distribution(
    deep_model: Any, always: Any, prompt: Tensor
) -> None:
    """Chi-squared of the second and third token against their exact joint distribution."""
    from scipy.stats import chisquare

    model = deep_model("llama", vocab_size=8, max_position_embeddings=64)
    prompt = prompt % 5 + 3
    options = {"max_new_tokens": 3, "do_sample": True, "temperature": 1.5, "eos_token_id": None}
    runs = 400
    counts: dict[tuple[int, ...], int] = {}
    torch.manual_seed(1)
    rule = ExitRule((2,), always, PlainHead(), 0.5)
    accepted = drafted = 0
    with DepthController(rule, SelfSpeculation(2)).attach(model) as attached:
        for _ in range(runs):
            ids = model.generate(prompt, top_k=0, **options)
            key = tuple(ids[0, -2:].tolist())
            counts[key] = counts.get(key, 0) + 1
        accepted = sum(r.accepted for r in attached.trace.rounds)
        drafted = sum(len(r.drafts) for r in attached.trace.rounds)
    assert 0.1 < accepted / drafted < 0.9  # both branches are exercised
    exact = joint(model, prompt, 1.5)
    big = [key for key, p in exact.items() if p * runs >= 5]
    observed = [counts.get(key, 0) for key in big]
    expected = [exact[key] * runs for key in big]
    observed.append(runs - sum(observed))
    expected.append(runs - sum(expected))
    assert chisquare(observed, expected).pvalue > 1e-3
    early = joint(model, prompt, 1.5, layers=3)
    wrong = [early[key] * runs for key in big]
    wrong.append(runs - sum(wrong))
    assert chisquare(observed, wrong).pvalue < 1e-6  # the drafts' own distribution is far off


@torch.inference_mode()
def joint(model: Any, prompt: Tensor, temperature: float, layers: int = 6) -> dict[Any, float]:
    """Exact probability of (second, third) generated token, summed over the first."""

    def after(texts: Tensor) -> Tensor:
        hidden = model(input_ids=texts, output_hidden_states=True).hidden_states[layers]
        if layers < 6:
            hidden = model.model.norm(hidden)
        return (model.lm_head(hidden[:, -1]) / temperature).softmax(-1)

    tokens = torch.arange(8)
    first = after(prompt)[0]
    two = torch.cat([prompt.expand(8, -1), tokens[:, None]], 1)
    second = after(two)
    three = torch.cat([two.repeat_interleave(8, 0), tokens.repeat(8)[:, None]], 1)
    third = after(three).view(8, 8, 8)
    both = torch.einsum("a,ab,abc->bc", first, second, third)
    return {(b, c): float(both[b, c]) for b in range(8) for c in range(8)}


def test_a_cache_that_holds_tokens_is_refused(deep_model: Any, coin: Any, prompt: Tensor) -> None:
    model = deep_model("llama")
    cache = DynamicCache(config=model.config)
    with torch.inference_mode():
        forward(model, prompt, cache)
    twice, given = torch.cat([prompt, prompt], 1), {generate_cache_name(): cache}
    with pytest.raises(ValueError, match="cache of its own"):
        write(model, twice, CatchUp(), coin, **given)

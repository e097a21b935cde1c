from contextlib import nullcontext
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import DynamicCache

from probexit.exits.depth.heads.plain import PlainHead
from probexit.exits.depth.interception.gates import Gates, Handler
from probexit.exits.depth.kv import proxies
from probexit.exits.depth.kv.propagate import Propagate
from probexit.exits.depth.modes.leave import RowExits
from probexit.exits.depth.rule import ExitRule
from probexit.hooks.forward import forward

LAYERS = (1, 2, 3, 4)


def handler(model: Any, decider: Any, threshold: float = 0.5, **options: Any) -> RowExits:
    rule = ExitRule(LAYERS, decider, PlainHead(), threshold)
    return RowExits(rule, rule.readout(model), options.pop("kv", Propagate()), **options)


@torch.inference_mode()
def teacher_forced(
    model: Any, prompt: Tensor, tokens: Tensor, gate: Handler | None, mask: Tensor | None = None
) -> tuple[Tensor, DynamicCache]:
    """Logits ``[b, t, V]`` of feeding ``tokens`` one by one after ``prompt``."""
    cache = DynamicCache(config=model.config)
    mask = torch.ones_like(prompt) if mask is None else mask
    logits = []
    with Gates(model, gate) if gate else nullcontext():
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        forward(model, prompt, cache, positions, mask)
        for t in range(tokens.shape[1]):
            mask = torch.nn.functional.pad(mask, (0, 1), value=1)
            positions = mask.cumsum(1)[:, -1:] - 1
            logits.append(forward(model, tokens[:, t : t + 1], cache, positions, mask)[:, -1])
    return torch.stack(logits, 1), cache


class Discard(Handler):
    """The reference for propagate: run the skipped layers too and forget what they return."""

    def __init__(self, exits: RowExits) -> None:
        self.exits = exits

    def layer(self, call: Any) -> Tensor:
        return self.exits.layer(call)


class Wasteful(Propagate):
    def skip(self, call: Any) -> None:
        call.run()


class Zeros(Propagate):
    def skip(self, call: Any) -> None:
        keys, values = proxies.keys_and_values(call)
        call.cache.update(torch.zeros_like(keys), torch.zeros_like(values), call.index)


def test_never_leaving_changes_no_bit(deep: Any, always: Any, prompt: Any, tokens: Any) -> None:
    plain, _ = teacher_forced(deep, prompt, tokens, None)
    gated, _ = teacher_forced(deep, prompt, tokens, handler(deep, always, float("inf")))
    assert torch.equal(plain, gated)  # I1
    lax, _ = teacher_forced(deep, prompt, tokens, handler(deep, always))
    assert not torch.allclose(plain, lax, atol=1e-2)


def truncated(model: Any, layers: int) -> Any:
    from probexit.hooks.layers import decoder_layers

    kept = decoder_layers(model)
    del kept[layers:]
    model.config.num_hidden_layers = layers
    return model


def test_always_leaving_is_the_truncated_model(
    request: Any, deep: Any, always: Any, prompt: Any, tokens: Any
) -> None:
    early, _ = teacher_forced(deep, prompt, tokens, handler(deep, always))
    deeper = ExitRule((2,), always, PlainHead(), 0.5)
    wrong, _ = teacher_forced(
        deep, prompt, tokens, RowExits(deeper, deeper.readout(deep), Propagate())
    )
    short, _ = teacher_forced(truncated(deep, 2), prompt, tokens, None)
    assert torch.allclose(early, short, atol=1e-5)  # I2
    assert not torch.allclose(wrong, short, atol=1e-2)


def test_propagate_is_compute_and_discard(deep: Any, coin: Any, prompt: Any, tokens: Any) -> None:
    exits = handler(deep, coin)
    got, cache = teacher_forced(deep, prompt, tokens, exits)
    assert len({depth for (depth,) in exits.trace.depths}) > 2  # mixed exits, else no power
    assert len({layer.get_seq_length() for layer in cache.layers}) == 1  # I3
    want, reference = teacher_forced(deep, prompt, tokens, handler(deep, coin, kv=Wasteful()))
    assert torch.equal(got, want)  # I3b
    for mine, theirs in zip(cache.layers, reference.layers, strict=True):
        assert torch.equal(mine.keys, theirs.keys)
        assert torch.equal(mine.values, theirs.values)
    zeros, _ = teacher_forced(deep, prompt, tokens, handler(deep, coin, kv=Zeros()))
    assert (zeros - want).abs().max() > 0.05


class ZerosForSome(Zeros):
    def run_some(self, call: Any, active: Tensor, left: Tensor) -> Tensor:
        keys, values = proxies.keys_and_values(call.rows(left))
        taken = (torch.zeros_like(keys), torch.zeros_like(values))
        return proxies.run_some(call, active, left, taken)


def test_rows_of_a_padded_batch_are_rows_alone(deep: Any, coin: Any) -> None:
    lengths, width = (9, 5, 7), 9
    ids = torch.randint(3, 97, (3, width + 14))
    mask = torch.stack([(torch.arange(width) >= width - n).long() for n in lengths])
    prompt, tokens = ids[:, :width] * mask, ids[:, width:]
    exits = handler(deep, coin)
    batched, _ = teacher_forced(deep, prompt, tokens, exits, mask)
    zeros, _ = teacher_forced(deep, prompt, tokens, handler(deep, coin, kv=ZerosForSome()), mask)
    assert (zeros - batched).abs().max() > 0.05
    for row, n in enumerate(lengths):
        alone = handler(deep, coin)
        logits, _ = teacher_forced(
            deep, prompt[row : row + 1, width - n :], tokens[row : row + 1], alone
        )
        assert [depths[row] for depths in exits.trace.depths] == [d for (d,) in alone.trace.depths]
        assert torch.allclose(batched[row], logits[0], atol=1e-4)  # I5
    assert any(len(set(depths)) > 1 for depths in exits.trace.depths)  # rows did part ways


def test_skipped_layers_do_not_run(deep_model: Any, coin: Any, prompt: Any, tokens: Any) -> None:
    model, ran = deep_model("llama"), []
    for index, layer in enumerate(model.model.layers):
        layer.mlp.register_forward_hook(lambda *_, index=index: ran.append(index))
    exits = handler(model, coin)
    gates = Gates(model, exits)
    with gates:
        cache = DynamicCache(config=model.config)
        with torch.inference_mode():
            forward(model, prompt, cache)
            for t in range(tokens.shape[1]):
                forward(model, tokens[:, t : t + 1], cache)
    depths = [depth for (depth,) in exits.trace.depths]
    decoded = [ran.count(index) - 1 for index in range(6)]  # less the prompt's
    assert decoded == [sum(depth > index for depth in depths) for index in range(6)]
    assert gates.executed == [n + prompt.shape[1] for n in decoded]
    assert min(decoded) < len(depths)


def test_shadow_runs_everything_and_records(
    deep_model: Any, coin: Any, prompt: Any, tokens: Any
) -> None:
    model = deep_model("llama")
    plain, _ = teacher_forced(model, prompt, tokens, None)
    shadow = handler(model, coin, audits=1.0)
    logits, _ = teacher_forced(model, prompt, tokens, shadow)
    assert torch.equal(plain, logits)
    assert set(shadow.trace.depths) == {(6,)}
    audits = shadow.trace.audits
    assert len(audits) == 14
    assert len({audit.layer for audit in audits}) > 1
    first = audits[0]
    assert first.layer == next(
        (layer for layer, s in zip(LAYERS, first.scores, strict=True) if s >= 0.5), None
    )


def test_audit_agreement_is_against_the_full_model(
    deep_model: Any, always: Any, prompt: Any, tokens: Any
) -> None:
    model = deep_model("llama")
    full, _ = teacher_forced(model, prompt, tokens, None)
    shadow = handler(model, always, audits=1.0)
    teacher_forced(model, prompt, tokens, shadow)
    hidden = model(
        input_ids=torch.cat([prompt, tokens], 1), output_hidden_states=True
    ).hidden_states[2][0, 9:]
    early = model.lm_head(model.model.norm(hidden)).argmax(-1)
    wanted = (early == full[0].argmax(-1)).tolist()
    assert [audit.agrees for audit in shadow.trace.audits] == wanted


def test_gradients_are_refused(deep_model: Any, always: Any, prompt: Any) -> None:
    model = deep_model("llama").requires_grad_(True)
    with Gates(model, handler(model, always)), pytest.raises(ValueError, match="inference_mode"):
        model(input_ids=prompt)


def test_an_exit_at_the_last_layer_is_refused(deep_model: Any, always: Any) -> None:
    rule = ExitRule((5,), always, PlainHead())
    with pytest.raises(ValueError, match="saves nothing"):
        rule.readout(deep_model("llama"))


def test_rows_keep_their_own_past(deep_model: Any, coin: Any) -> None:
    """A decider that looks back sees the same earlier layers in a batch as alone."""

    class Backward(type(coin)):  # type: ignore[misc]
        def score(self, look: Any) -> Tensor:
            if look.previous is None:
                return super().score(look) * 0 + (look.before[:, 0] > 0).float()
            return (super().score(look.previous) + super().score(look)) / 2

    model = deep_model("llama")
    prompt, tokens = torch.randint(3, 97, (4, 7)), torch.randint(3, 97, (4, 14))
    together = handler(model, Backward())
    teacher_forced(model, prompt, tokens, together)
    assert any(len(set(depths)) > 2 for depths in together.trace.depths)
    for row in range(4):
        alone = handler(model, Backward())
        one = slice(row, row + 1)
        teacher_forced(model, prompt[one], tokens[one], alone)
        assert [d[row] for d in together.trace.depths] == [d for (d,) in alone.trace.depths]

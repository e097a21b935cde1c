import copy
import warnings
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor

from probexit.exits.controller import ExitController
from probexit.exits.depth.controller import DepthController
from probexit.exits.depth.deciders.gap import Gap
from probexit.exits.depth.deciders.oracle import OracleDecider
from probexit.exits.depth.heads.plain import PlainHead
from probexit.exits.depth.modes.catch_up import CatchUp
from probexit.exits.depth.modes.leave import Leave
from probexit.exits.depth.modes.self_speculation import SelfSpeculation
from probexit.exits.depth.modes.shadow import Shadow
from probexit.exits.depth.rule import ExitRule
from probexit.exits.engines.generate import attach
from probexit.exits.engines.refusals import REFUSED
from probexit.exits.fingerprint import Fingerprint
from probexit.exits.policies.threshold import Threshold
from probexit.exits.signals.position import Position
from probexit.hooks.cues.every_k import EveryK
from probexit.hooks.think_tags import ThinkTags

LAYERS = (1, 3)
OPTIONS = {"max_new_tokens": 10, "do_sample": False, "eos_token_id": None}


def controller(decider: Any, mode: Any = None, threshold: float = 0.5) -> DepthController:
    return DepthController(ExitRule(LAYERS, decider, PlainHead(), threshold), mode or Leave())


def forwards(model: Any) -> list[bool]:
    return ["forward" in vars(module) for module in model.modules()]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_the_model_is_restored_after_any_exception(
    deep_model: Any, always: Any, prompt: Tensor, error: type[BaseException]
) -> None:
    model = deep_model("llama")
    plain = model.generate(prompt, **OPTIONS)

    def interrupted() -> None:
        with controller(always).attach(model):
            assert not torch.equal(model.generate(prompt, **OPTIONS), plain)
            raise error

    with pytest.raises(error):
        interrupted()
    assert not any(forwards(model))
    assert "generate" not in vars(model)
    assert torch.equal(model.generate(prompt, **OPTIONS), plain)


def test_an_error_inside_a_layer_restores_too(deep_model: Any, always: Any, prompt: Tensor) -> None:
    model = deep_model("llama")

    def fail(*_: Any) -> None:
        raise RuntimeError("inside")

    handle = model.model.layers[4].mlp.register_forward_pre_hook(fail)
    with pytest.raises(RuntimeError, match="inside"), controller(always).attach(model):
        model.generate(prompt, **OPTIONS)
    handle.remove()
    assert not any(forwards(model))


def test_a_forward_set_by_others_is_called_and_put_back(
    deep_model: Any, always: Any, prompt: Tensor
) -> None:
    model, calls = deep_model("llama"), []
    layer = model.model.layers[0]
    original = layer.forward

    def offloaded(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        return original(*args, **kwargs)

    layer.forward = offloaded
    with controller(always).attach(model):
        model.generate(prompt, **OPTIONS)
    assert vars(layer)["forward"] is offloaded
    assert len(calls) == 10


def test_nested_attachment_and_copies_are_refused(deep_model: Any, always: Any) -> None:
    model = deep_model("llama")
    with controller(always).attach(model):
        with (
            pytest.raises(ValueError, match="attached to this model already"),
            controller(always).attach(model),
        ):
            pass
        with pytest.raises(ValueError, match="leave their block before copying"):
            copy.deepcopy(model)
    copy.deepcopy(model)


def test_modes_of_generate_are_refused_by_name(
    deep_model: Any, always: Any, prompt: Tensor
) -> None:
    model = deep_model("llama")
    with controller(always).attach(model):
        with pytest.raises(ValueError, match="beam search"):
            model.generate(prompt, num_beams=2, **OPTIONS)
        with pytest.raises(ValueError, match="assisted decoding"):
            model.generate(prompt, assistant_model=model, **OPTIONS)
        with pytest.raises(ValueError, match="assistant_early_exit=1"):
            model.generate(prompt, assistant_early_exit=1, **OPTIONS)
        for name in REFUSED:  # the same as under a reasoning controller
            with pytest.raises(ValueError, match=f"{name}=3 cannot work with layer exits"):
                model.generate(prompt, **{name: 3}, **OPTIONS)
        model.generate(prompt, guidance_scale=1, num_beams=1, penalty_alpha=0.0, **OPTIONS)
    for mode in (SelfSpeculation(), CatchUp()):
        with controller(always, mode).attach(model):
            with pytest.raises(ValueError, match="one at a time"):
                model.generate(prompt.repeat(2, 1), **OPTIONS)
            with pytest.raises(ValueError, match="cache_implementation='static'"):
                model.generate(prompt, cache_implementation="static", **OPTIONS)


def test_models_are_refused_by_name(deep_model: Any, always: Any) -> None:
    model = deep_model("llama")
    with pytest.raises(ValueError, match="training mode"), controller(always).attach(model.train()):
        pass
    model.eval().config.layer_types = ["linear_attention"] * 6
    with (
        pytest.raises(ValueError, match="keeps a recurrent state"),
        controller(always).attach(model),
    ):
        pass
    shared = deep_model("llama")
    shared.config.num_kv_shared_layers = 2
    with pytest.raises(ValueError, match="KV sharing"), controller(always).attach(shared):
        pass


def test_a_layer_that_hands_over_nothing_is_refused(
    deep_model: Any, always: Any, prompt: Tensor
) -> None:
    model = deep_model("llama")
    for layer in model.model.layers[2:]:
        layer.self_attn.forward = lambda hidden_states, **_: (hidden_states, None)
    with pytest.raises(ValueError, match="wrote no keys"), controller(always).attach(model):
        model.generate(prompt, **OPTIONS)


def test_the_oracle_is_refused_live_and_works_in_shadow(deep_model: Any, prompt: Tensor) -> None:
    with pytest.raises(ValueError, match="shadow mode only"):
        controller(OracleDecider())
    model = deep_model("llama")
    with controller(OracleDecider(), Shadow()).attach(model) as attached:
        model.generate(prompt, **OPTIONS)
    assert all(audit.agrees for audit in attached.trace.audits)


def test_another_model_is_refused(deep_model: Any, always: Any) -> None:
    rule = ExitRule(LAYERS, always, PlainHead(), 0.5)
    mine = Fingerprint.of(deep_model("llama", seed=1))
    with (
        pytest.raises(ValueError, match="made for another model"),
        DepthController(rule, Leave(), mine).attach(deep_model("llama", seed=2)),
    ):
        pass


def test_batched_generate_equals_rows_alone(deep_model: Any, coin: Any) -> None:
    model = deep_model("qwen3")
    ids = torch.randint(3, 97, (3, 8))
    mask = torch.ones_like(ids)
    mask[1, :3] = 0
    mask[2, :5] = 0
    with controller(coin).attach(model) as attached:
        batch = model.generate(ids * mask, attention_mask=mask, **OPTIONS)
    together = attached.trace.depths
    for row in range(3):
        alone = ids[row : row + 1, mask[row].bool()]
        with controller(coin).attach(model) as attached:
            text = model.generate(alone, **OPTIONS)
        assert torch.equal(batch[row, 8:], text[0, alone.shape[1] :])
        assert [depths[row] for depths in together] == [d for (d,) in attached.trace.depths]
    assert len({d for depths in together for d in depths}) > 1


def test_hidden_states_keep_their_length_and_depths_tell(
    deep_model: Any, always: Any, prompt: Tensor
) -> None:
    model = deep_model("llama")
    with controller(always).attach(model) as attached:
        out = model.generate(
            prompt, output_hidden_states=True, return_dict_in_generate=True, **OPTIONS
        )
    decoded = out.hidden_states[1]
    assert len(decoded) == 7
    assert torch.equal(decoded[2], decoded[5])  # layers 2 to 4 repeat the exit state
    assert set(attached.trace.depths) == {(2,)}
    assert attached.executed == (18, 18, 9, 9, 9, 9)  # 9 prompt tokens, 9 decoded ones
    assert attached.trace.mean_depth() == 2.0


def test_a_static_cache_works_when_leaving(deep_model: Any, coin: Any, prompt: Tensor) -> None:
    model = deep_model("llama")
    with controller(coin).attach(model) as attached:
        dynamic = model.generate(prompt, **OPTIONS)
    with controller(coin).attach(model) as static, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ids = model.generate(prompt, cache_implementation="static", **OPTIONS)
    assert torch.equal(ids, dynamic)
    assert static.trace.depths == attached.trace.depths


def reasoning() -> ExitController:
    return ExitController(EveryK(3), Position(), Threshold(2.0), ThinkTags(), " So")


def test_works_inside_a_reasoning_controller(
    deep_model: Any, coin: Any, byte_tokenizer: Any
) -> None:
    model = deep_model("llama", vocab_size=len(byte_tokenizer))
    prompt = torch.tensor([byte_tokenizer.encode("<think> 17 + 25")])
    tags = [i for t, i in byte_tokenizer.get_vocab().items() if t.startswith("<")]
    options = OPTIONS | {"max_new_tokens": 60, "suppress_tokens": tags}
    with (
        attach(model, byte_tokenizer, reasoning()) as thinking,
        controller(coin).attach(model) as depth,
    ):
        ids = model.generate(prompt, **options)
    assert thinking.rows[0].exit is not None
    assert "</think> So" in byte_tokenizer.decode(ids[0])
    assert len({d for (d,) in depth.trace.depths}) > 1
    assert "generate" not in vars(model)


def test_save_and_load(deep_model: Any, tmp_path: Any, prompt: Tensor) -> None:
    model = deep_model("llama")
    rule = ExitRule(LAYERS, Gap(), PlainHead(), 0.2)
    made = DepthController(rule, CatchUp(4), Fingerprint.of(model), {"risk": 0.05})
    made.save(tmp_path)
    loaded = DepthController.load(tmp_path)
    assert loaded == made
    endless = made.with_threshold(float("inf"))
    endless.save(tmp_path)
    assert DepthController.load(tmp_path) == endless
    with pytest.raises(ValueError, match=r"holds no depth\.json"):
        DepthController.load(tmp_path / "nowhere")


def test_linear_attention_models_are_refused_for_real(always: Any) -> None:
    config = transformers.Qwen3NextConfig(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=4,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        num_experts=2,
        num_experts_per_tok=1,
        linear_num_key_heads=1,
        linear_num_value_heads=2,
    )
    model = transformers.AutoModelForCausalLM.from_config(config).eval()
    with pytest.raises(ValueError, match="recurrent state"), controller(always).attach(model):
        pass

"""How weights are loaded: precision, adapters, quantisation by name, and what is refused."""

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model

from probexit.exits.fingerprint import Fingerprint, weights_kind
from probexit.experiments import reasoner
from probexit.experiments.verbs.record import record
from probexit.hooks.loading import QUANTIZED, RECORDED, Loading
from probexit.hooks.models import Source, load


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA adapter that does something, on every layer of the shipped reasoner."""
    folder = tmp_path_factory.mktemp("adapter")
    torch.manual_seed(0)
    warnings.filterwarnings("ignore", "`is_gradient_checkpointing`")  # peft's own, not ours
    model = get_peft_model(load(Source()).model, LoraConfig(r=2, target_modules=["q_proj"]))
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.5)
    model.save_pretrained(folder)
    return folder


def test_precision_is_as_saved_unless_told() -> None:
    assert load(Source()).model.dtype == torch.float32
    assert load(Source(loading=Loading("bfloat16"))).model.dtype == torch.bfloat16


@pytest.mark.parametrize("dtype", ["nn", "int8", "float99"])
def test_what_is_no_precision_is_refused(dtype: str) -> None:
    with pytest.raises(ValueError, match="use auto, float32, bfloat16 or float16"):
        Loading(dtype).settings()


def test_an_attention_implementation_is_passed_on() -> None:
    model = load(Source(loading=Loading(attention="eager"))).model
    assert model.config._attn_implementation == "eager"


def test_an_adapter_is_read_and_told_apart(adapter: Path) -> None:
    plain, adapted = load(Source()).model, load(Source(loading=Loading(adapter=str(adapter)))).model
    assert type(adapted) is type(plain)
    ids = torch.tensor([[5, 6, 7]])
    assert not torch.allclose(plain(ids).logits, adapted(ids).logits)
    here, there = Fingerprint.of(plain), Fingerprint.of(adapted)
    assert (weights_kind(plain), weights_kind(adapted)) == ("", "adapter default")
    assert here.base == there.base
    assert here.weights != there.weights
    assert here.carries_to(there)
    assert not here.carries_to(here)
    with pytest.raises(ValueError, match=r"same model in another form \(plain weights there"):
        here.check(adapted)


def test_a_recording_says_how_its_model_was_loaded(tmp_path: Path) -> None:
    shipped = load(Source(loading=Loading("float32", attention="eager"), revision="abc"))
    run = record(shipped, [("1 + 1 =", "2")], tmp_path / "run")
    assert run.manifest.loading == {"attention": "eager"}
    assert run.manifest.revision == "abc"


def test_quantisation_and_adapter_are_both_named() -> None:
    """A quantised model with an adapter is another model than either."""
    model = load(Source()).model
    model.config.quantization_config = {"quant_method": "bitsandbytes", "load_in_4bit": True}
    assert weights_kind(model) == "bitsandbytes 4 bit"
    model.peft_config = {"mine": object()}
    assert weights_kind(model) == "bitsandbytes 4 bit, adapter mine"


def test_another_models_fingerprint_is_not_another_form() -> None:
    here = Fingerprint.of(load(Source()).model)
    other = Fingerprint.of(load(Source("shipped-deep")).model)
    assert not here.carries_to(other)


@pytest.mark.parametrize("name", QUANTIZED)
def test_quantisation_by_name(name: str) -> None:
    """The configuration is transformers' own; where its library is missing, that is said."""
    assert Loading(quantization=name).placed
    pytest.importorskip("bitsandbytes")
    model = load(Source(loading=Loading(quantization=name))).model
    assert "bitsandbytes" in weights_kind(model)
    assert Fingerprint.of(load(Source()).model).carries_to(Fingerprint.of(model))


def test_quantisation_that_is_unknown_is_refused() -> None:
    for given in ("int3", "[]", "{"):
        with pytest.raises(ValueError, match="unknown quantization"):
            Loading(quantization=given).settings()
    with pytest.raises(ValueError, match="quantization"):
        Loading(quantization='{"quant_method": "no-such"}').settings()


def test_what_is_recorded_is_what_changes_the_numbers() -> None:
    full = Loading("float16", "auto", "eager", "bnb-4bit", "A", "m.gguf", True)
    assert tuple(full.recorded()) == RECORDED
    again = Loading.recorded_as("float16", full.recorded())
    assert not again.trust_remote_code  # never from a file
    assert again.device_map == ""
    with pytest.raises(ValueError, match="loading holds 'trust_remote_code'"):
        Loading.recorded_as("float16", {"trust_remote_code": "1"})


def test_code_that_comes_with_a_model_does_not_run(tmp_path: Path) -> None:
    """A folder whose configuration names its own code is refused."""
    from shutil import copytree

    folder = Path(copytree(reasoner.path(), tmp_path / "model"))
    config: dict[str, Any] = json.loads((folder / "config.json").read_text())
    config |= {
        "model_type": "own",
        "auto_map": {"AutoConfig": "own.C", "AutoModelForCausalLM": "own.M"},
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(ValueError, match="cannot load the model"):
        load(Source(str(folder)))
    assert not (tmp_path / "ran").exists()

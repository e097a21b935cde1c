"""Small random models and tokenizers for every test; nothing is downloaded."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

VOCABULARY = 128
LLAMA = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 512,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
TOKENS = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
GPT2 = {"vocab_size": VOCABULARY, "n_embd": 32, "n_layer": 4, "n_head": 4, "n_positions": 512}
VISION = {
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 4,
    "num_attention_heads": 2,
    "image_size": 28,
    "patch_size": 14,
}

# name: (configuration class, its arguments); Bloom's layers return tuples, the others' tensors.
TINY: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("LlamaConfig", LLAMA),
    "qwen3": ("Qwen3Config", LLAMA),
    "mixtral": ("MixtralConfig", LLAMA | {"num_local_experts": 4, "num_experts_per_tok": 2}),
    "gemma3": ("Gemma3TextConfig", LLAMA | {"sliding_window": 16}),
    "gpt2": ("GPT2Config", GPT2 | TOKENS),
    "gpt_neox": ("GPTNeoXConfig", LLAMA),
    "bloom": (
        "BloomConfig",
        {"vocab_size": VOCABULARY, "hidden_size": 32, "n_layer": 4, "n_head": 4} | TOKENS,
    ),
    "gemma3_vision": (
        "Gemma3Config",
        {
            "text_config": LLAMA | {"sliding_window": 16},
            "vision_config": VISION,
            "mm_tokens_per_image": 4,
            "image_token_index": 127,
            "boi_token_index": 126,
            "eoi_token_index": 125,
        }
        | TOKENS,
    ),
}


def _build(name: str, **changes: Any) -> Any:
    kind, arguments = TINY[name]
    config = getattr(transformers, kind)(**(arguments | changes))
    multimodal = hasattr(config, "vision_config")
    auto = transformers.AutoModelForImageTextToText if multimodal else None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = (auto or transformers.AutoModelForCausalLM).from_config(config)
    return model.eval()


@pytest.fixture
def tiny_model() -> Callable[..., Any]:
    """``tiny_model(name, **configuration)``: a new random model with 4 layers of width 32."""
    return _build


@pytest.fixture(params=TINY)
def tiny(request: pytest.FixtureRequest) -> Any:
    """Every architecture in turn."""
    return _build(request.param)


class LargestTensor(TorchDispatchMode):
    """Notes the most values that any tensor made meanwhile holds; views make none."""

    values = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = {t.untyped_storage().data_ptr() for t in _tensors((args, kwargs))}
        made = func(*args, **(kwargs or {}))
        fresh = (t for t in _tensors(made) if t.untyped_storage().data_ptr() not in given)
        self.values = max([self.values, *(t.numel() for t in fresh)])
        return made


def _tensors(tree: Any) -> list[torch.Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor)]


@pytest.fixture
def largest() -> type[LargestTensor]:
    """``with largest() as found: ...; found.values``: how large a tensor was made at most."""
    return LargestTensor


@pytest.fixture(autouse=True)
def _one_seed() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


SPECIAL = ["<pad>", "<s>", "<|end|>"]
CORPUS = [
    "Okay, so 17 + 25 = 42. Wait, let me check: 17 + 5 = 22, and 22 + 20 = 42.\n\n",
    "Hmm, maybe. Alternatively, start over! I am waiting; you know, await it.\n\n",
    "Make sure to verify it another way. So the answer is 3.14, to confirm?\n\n",
    "你好世界。让我再想一想。 Wait 😀 naïve café 👩‍💻\n\n",
    "<think></think><tool_call></tool_call>\n",
] * 8
TEMPLATE = (
    "{% for message in messages %}<|{{ message.role }}|>\n{{ message.content }}<|end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n<think>\n{% endif %}"
)


def _wrap(tokenizer: Tokenizer) -> Any:
    wrapped = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", bos_token="<s>", eos_token="<|end|>"
    )
    wrapped.chat_template = TEMPLATE
    return wrapped


def _train(tokenizer: Tokenizer, size: int, alphabet: list[str], special: list[str]) -> None:
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),  # all else is spelled in bytes
        special_tokens=special,
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)


@pytest.fixture(scope="session")
def byte_tokenizer() -> Any:
    """Byte-level BPE, as of GPT-2 and Qwen; ``<think>`` and ``</think>`` are single tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    _train(tokenizer, 380, pre_tokenizers.ByteLevel.alphabet(), SPECIAL)
    tokenizer.add_tokens(["<think>", "</think>"])
    return _wrap(tokenizer)


@pytest.fixture(scope="session")
def metaspace_tokenizer() -> Any:
    """Sentencepiece-like BPE with byte fallback, as of Llama 2; tags are spelled in characters."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>"))
    lines = pre_tokenizers.Split("\n", "isolated")
    words = pre_tokenizers.Metaspace(prepend_scheme="first")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([lines, words])
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    raw_bytes = [f"<0x{byte:02X}>" for byte in range(256)]
    letters = [
        "▁",
        *sorted({c for c in "".join(CORPUS) if c.isascii() and c.isprintable()} - {" "}),
    ]
    _train(tokenizer, 480, letters, ["<unk>", *SPECIAL, *raw_bytes])
    saved = json.loads(tokenizer.to_str())  # the trainer made the bytes special, which they are not
    saved["added_tokens"] = [t for t in saved["added_tokens"] if t["content"] not in raw_bytes]
    return _wrap(Tokenizer.from_str(json.dumps(saved)))


@pytest.fixture(scope="session")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of the tutorial: recorded, fitted, certified."""
    import probexit as px
    from probexit.exits.engines.decoding import Decoding

    run = px.record(
        px.load("shipped"),
        "arith",
        tmp_path_factory.mktemp("docs") / "mine",
        n=80,
        recording=px.Recording(decoding=Decoding(max_new_tokens=512, temperature=0)),
    )
    px.fit(run, layers=(5, 6))
    px.certify(run, alpha=0.3)
    return run.folder

"""Loading a reasoner: what is read off the tokenizer, and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
import torch

from probexit.experiments import reasoner
from probexit.hooks.loading import Loading
from probexit.hooks.models import DEFAULT_CLOSING, Reasoner, Source, load
from probexit.hooks.think_tags import ThinkTags


@pytest.fixture
def copy(tmp_path: Path) -> Callable[..., Path]:
    """``copy(**entries)``: the shipped folder with other entries in its tokenizer's settings."""

    def make(**entries: Any) -> Path:
        folder = Path(copytree(reasoner.path(), tmp_path / "model"))
        file = folder / "tokenizer_config.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | entries))
        return folder

    return make


def test_the_shipped_reasoner(shipped: Reasoner) -> None:
    assert shipped.name == "shipped"
    assert not shipped.model.training
    assert shipped.model.dtype == torch.float32
    assert shipped.tags == ThinkTags()
    assert shipped.eos == {shipped.tokenizer.eos_token_id}


def test_the_prompt_is_the_templates(shipped: Reasoner) -> None:
    text = shipped.tokenizer.decode(shipped.prompt("What?"))
    assert text.endswith("<think>\n")
    assert text.count("What?") == 1


def test_a_forced_exit_begins_with_the_closing_tag(shipped: Reasoner) -> None:
    ids = shipped.closing_ids()
    assert ids[0] == shipped.tokenizer.convert_tokens_to_ids("</think>")
    assert shipped.tokenizer.decode(ids) == "</think>" + shipped.closing


def test_the_text_after_the_thinking(shipped: Reasoner) -> None:
    encode = shipped.tokenizer.encode
    assert shipped.after_thinking(encode("Wait.</think>The answer<|im_end|>")) == "The answer"
    assert shipped.after_thinking(encode("Wait. The answer")) == ""


def test_whose_closing_text(copy: Callable[..., Path]) -> None:
    folder = copy(probexit_closing="\n\nSo: ")
    assert load(Source(str(folder))).closing == "\n\nSo: "
    assert load(Source(str(folder), closing="")).closing == ""
    assert DEFAULT_CLOSING.startswith("\n\n")


def test_other_tags_and_precision(copy: Callable[..., Path]) -> None:
    tags = ThinkTags("[A]", "[B]")
    loaded = load(Source(str(copy()), loading=Loading("bfloat16"), tags=tags, answer_tokens=3))
    assert loaded.tags == tags
    assert loaded.model.dtype == torch.bfloat16
    assert loaded.answer_tokens == 3


def test_refusals(copy: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no model folder '/nowhere'"):
        load(Source("/nowhere"))
    with pytest.raises(ValueError, match="unknown dtype 'nn': use auto"):
        load(Source(loading=Loading("nn")))  # torch.nn is no precision
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="cannot load the model"):
        load(Source(str(tmp_path / "empty")))
    folder = copy()
    (folder / "chat_template.jinja").write_text("{{ messages[0].content }}")
    tokenizer = folder / "tokenizer.json"
    tokenizer.write_text(tokenizer.read_text().replace("<think>", "<thing>"))
    with pytest.raises(ValueError, match="name them with --think-open"):
        load(Source(str(folder)))
    (folder / "chat_template.jinja").unlink()
    (folder / "model.safetensors").unlink()  # the tokenizer is looked at first
    with pytest.raises(ValueError, match="has no chat template: add a chat_template"):
        load(Source(str(folder)))

"""The fastest reader that agrees with decoding is taken, and a wrong one never."""

from typing import Any

import pytest
import torch

from probexit.experiments.recording.forced_exits import Tree
from probexit.experiments.recording.forking import Copies, ForkingReader
from probexit.experiments.recording.reader_choice import choose_reader
from probexit.experiments.recording.reading import RolloutReader

CLOSING, EOS = (4, 9, 77), frozenset({2})
TOKENS = list(range(3, 27))


def chosen(model: Any) -> RolloutReader:
    return choose_reader(RolloutReader(model, (1,), CLOSING, EOS), TOKENS)


@pytest.mark.parametrize("name", ["llama", "gemma3", "mixtral"])
def test_attention_shares_the_prefix(name: str, lively: Any) -> None:
    assert type(chosen(lively(name))) is RolloutReader


@pytest.mark.parametrize("name", ["bloom", "qwen3_next", "gpt_neo"])
def test_alibi_local_attention_and_states_are_copied(name: str, lively: Any, hybrid: Any) -> None:
    reader = chosen(lively(name) if name == "bloom" else hybrid(name))
    assert isinstance(reader, ForkingReader)
    assert not reader.single


def test_a_state_that_cannot_go_on_with_several_tokens_reads_one(hybrid: Any) -> None:
    reader = chosen(hybrid("mamba"))
    assert isinstance(reader, ForkingReader)
    assert reader.single


def noisy(grow: Any) -> Any:
    return lambda self, ids: grow(self, ids) + torch.linspace(0, 1, 128)


def test_a_wrong_way_is_passed_over_and_a_wrong_model_refused(
    lively: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = lively("llama")
    monkeypatch.setattr(Tree, "grow", noisy(Tree.grow))
    assert isinstance(chosen(model), ForkingReader)
    monkeypatch.setattr(Copies, "grow", noisy(Copies.grow))
    with pytest.raises(ValueError, match=r"cannot be recorded.*nats from decoding"):
        chosen(model)

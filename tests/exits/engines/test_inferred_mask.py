"""Where no attention mask is given, padding is what ``generate`` takes for padding."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from probexit.exits.engines.inferred_mask import inferred_mask

IDS = torch.tensor([[0, 0, 5, 6], [3, 4, 5, 6]])


def model(**settings: Any) -> Any:
    return SimpleNamespace(generation_config=SimpleNamespace(**settings))


def test_the_padding_token_is_masked() -> None:
    mask = inferred_mask(model(pad_token_id=0, eos_token_id=2), IDS, {})
    assert mask.tolist() == [[0, 0, 1, 1], [1, 1, 1, 1]]
    assert inferred_mask(model(), IDS, {"pad_token_id": 6}).tolist()[0] == [1, 1, 1, 0]


def test_nothing_is_masked_without_a_padding_token() -> None:
    assert inferred_mask(model(pad_token_id=None), IDS, {}).all()


def test_a_padding_token_that_ends_sequences_tells_nothing() -> None:
    with pytest.raises(ValueError, match="give attention_mask: rows begin with token 0"):
        inferred_mask(model(pad_token_id=0, eos_token_id=[2, 0]), IDS, {})
    assert inferred_mask(model(pad_token_id=0, eos_token_id=0), IDS[1:], {}).all()

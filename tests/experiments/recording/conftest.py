"""Random models with opinions, for forced exits that differ from cue to cue."""

from collections.abc import Callable
from typing import Any

import pytest
import torch


@pytest.fixture
def lively(tiny_model: Callable[..., Any]) -> Callable[..., Any]:
    """``lively(name)``: a tiny model whose weights are large enough that no two tokens tie."""

    def build(name: str) -> Any:
        mixed = {"layer_types": ["sliding_attention", "full_attention"] * 2}
        model = tiny_model(name, **(mixed if name == "gemma3" else {}))
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.ndim > 1:
                    parameter.mul_(12)
        return model

    return build

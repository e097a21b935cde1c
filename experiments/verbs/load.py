"""Load a reasoning model in one call."""

from typing import Any

from probexit.hooks.loading import Loading
from probexit.hooks.models import Reasoner, Source
from probexit.hooks.models import load as load_source


def load(name: str = "shipped", dtype: str = "auto", **details: Any) -> Reasoner:
    """Load a model with its tokenizer, thinking tags and closing text.

    Args:
        name: A local folder, a hub id, or "shipped", the small reasoner that comes along.
        dtype: Precision: "auto" as the weights were saved, "float32", "bfloat16" or "float16".
        details: Other fields of `probexit.hooks.models.Source`, such as ``closing`` or ``tags``, or
            a whole ``loading``.

    Raises:
        ValueError: if there is no such model, or it has no chat template or thinking tags.
    """
    return load_source(Source(name, **{"loading": Loading(dtype), **details}))

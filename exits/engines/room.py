"""How many tokens a call of ``generate`` may write, however its limit was given."""

from typing import Any

from probexit.exits.engines.refusals import generate_setting


def most_new_tokens(model: Any, prompt: Any, kwargs: dict[str, Any]) -> int | None:
    """Return ``max_new_tokens``, or what ``max_length`` leaves behind the prompt, or None.

    Args:
        model: The model.
        prompt: Tokens, ``[rows, prompt]``.
        kwargs: The keyword arguments of the call.
    """
    new, whole = (
        generate_setting(model, kwargs, name) for name in ("max_new_tokens", "max_length")
    )
    if new is None and whole is not None:
        return max(int(whole) - int(prompt.shape[1]), 0)
    return None if new is None else int(new)

"""Decoding that is not what a certificate speaks of, in words."""

from collections.abc import Mapping
from typing import Any


def decoding_departures(
    promised: Mapping[str, Any], temperature: float, top_p: float, max_new_tokens: int | None
) -> str:
    """Say in what decoding differs from the recorded one; "" if in nothing.

    Args:
        promised: The certificate's ``decoding``; what it does not name may be anything.
        temperature: 0 is greedy, and ``top_p`` then means nothing.
        top_p: Nucleus.
        max_new_tokens: Limit of the text.
    """
    now: dict[str, Any] = {"temperature": temperature, "max_new_tokens": max_new_tokens}
    if temperature:
        now["top_p"] = top_p
    other = [f"{k} is {v}, was {promised[k]}" for k, v in now.items() if v != promised.get(k, v)]
    return f"{'; '.join(other)}: the promise was made for what was recorded" if other else ""

"""What a chat template writes between the last message and the model's own first token."""

from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

MESSAGE = "probexit asks nothing"

_written: WeakKeyDictionary[Any, dict[str, str]] = WeakKeyDictionary()


def generation_prompt(tokenizer: Any, template_args: Mapping[str, Any] | None = None) -> str:
    """Return what the template writes after a user's message; "" if it cannot be told.

    Args:
        tokenizer: A transformers tokenizer.
        template_args: Keyword arguments of the template, such as ``enable_thinking``.
    """
    template = str(getattr(tokenizer, "chat_template", None) or "")
    if not template:
        return ""
    known = _written.setdefault(tokenizer, {})
    key = f"{template}{sorted((template_args or {}).items())}"
    if key not in known:
        known[key] = _behind_message(tokenizer, dict(template_args or {}))
    return known[key]


def _behind_message(tokenizer: Any, template_args: dict[str, Any]) -> str:
    messages = [{"role": "user", "content": MESSAGE}]
    try:
        text: str = tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, tokenize=False, **template_args
        )
    except Exception:  # a template may demand what only its own callers know
        return ""
    _, found, behind = text.rpartition(MESSAGE)
    return behind if found else ""


def behind_last_message(tokenizer: Any, prompt: str, tag: str) -> str | None:
    """Return what a prompt holds behind its last message, spaces left out.

    Args:
        tokenizer: Its tokenizer; the template says how a message ends and the answer begins.
        prompt: The decoded prompt.
        tag: What may stand in the generation prompt but need not: the tag that opens the thinking.

    Returns:
        None where the template's words are not found (no template wrote this prompt).
    """
    header = _squeezed(generation_prompt(tokenizer).partition(tag)[0])
    if not header:
        return None
    _, found, behind = _squeezed(prompt).rpartition(header)
    return behind if found else None


def _squeezed(text: str) -> str:
    return "".join(text.split())

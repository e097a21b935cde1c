"""Know where a model's thinking begins and ends: its tags, and whether a prompt opened it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from probexit.hooks.generation_prompt import behind_last_message, generation_prompt


@dataclass(frozen=True)
class ThinkTags:
    """The texts that bracket the thinking.

    Tags are texts, found in the decoded stream, so that one rule serves models for which a tag is
    a token and models that spell it out in several.

    Attributes:
        open: Begins the thinking.
        close: Ends it, for good, and begins the answer.
        mute: The pair that brackets a tool call, inside which nothing is a cue.
    """

    open: str = "<think>"
    close: str = "</think>"
    mute: tuple[str, str] = ("<tool_call>", "</tool_call>")

    def __post_init__(self) -> None:
        if not all((self.open, self.close, *self.mute)):
            raise ValueError(f"a thinking or tool-call tag is empty: {self}")
        if self.open == self.close:
            raise ValueError(f"the thinking opens and closes with the same tag {self.open!r}")


# gpt-oss thinks in messages of the analysis channel; the first message of the final channel ends
# the thinking. Calls of tools go to the commentary channel.
HARMONY = ThinkTags(
    "<|channel|>analysis<|message|>",
    "<|end|><|start|>assistant<|channel|>final<|message|>",
    ("<|channel|>commentary", "<|end|>"),
)
PUBLISHED = (
    ThinkTags(),  # DeepSeek-R1, Qwen3, GLM, MiniMax
    ThinkTags("[THINK]", "[/THINK]", ("[TOOL_CALLS]", "[/TOOL_CALLS]")),  # Magistral
    ThinkTags("◁think▷", "◁/think▷"),  # Kimi
    ThinkTags("<seed:think>", "</seed:think>", ("<seed:tool_call>", "</seed:tool_call>")),  # Seed
)
# An opening tag by its name, in angle or square brackets: <reasoning>, <thought>, [SCRATCHPAD].
_NAMED = re.compile(
    r"([<\[])((?:\w+[:_-])*\w*(?:think|thought|reason|reflect|scratchpad|rationale)\w*)([>\]])",
    re.IGNORECASE,
)
_LEFT_OPEN = re.compile(r"([<\[])(\w[\w:_-]*)([>\]])\s*\Z")


def think_tags(tokenizer: Any, template_args: Mapping[str, Any] | None = None) -> ThinkTags:
    """Find the thinking tags of a model.

    Looked at, in this order: the tag that the generation prompt leaves open, the published pairs in
    the vocabulary or the chat template, and any pair in the template whose name speaks of thinking.

    Args:
        tokenizer: A transformers tokenizer.
        template_args: Keyword arguments of its chat template.

    Raises:
        ValueError: if there are none, naming the flags that set them.
    """
    found = (
        _harmony(tokenizer)
        or _left_open(tokenizer, template_args)
        or _published(tokenizer)
        or _bracketed(str(tokenizer.chat_template or ""))
    )
    if found:
        return found
    tried = ", ".join(tags.open for tags in (*PUBLISHED, HARMONY))
    raise ValueError(
        f"no thinking tags in the tokenizer of {tokenizer.name_or_path!r} or its chat template "
        f"(looked for {tried}, and for tags named after thinking); name them with --think-open "
        "and --think-close"
    )


def _harmony(tokenizer: Any) -> ThinkTags | None:
    vocabulary = tokenizer.get_vocab()
    marks = ("<|channel|>", "<|message|>", "<|start|>", "<|end|>")
    spelt = HARMONY.open in str(tokenizer.chat_template or "")
    return HARMONY if spelt or all(mark in vocabulary for mark in marks) else None


def _published(tokenizer: Any) -> ThinkTags | None:
    vocabulary, template = tokenizer.get_vocab(), str(tokenizer.chat_template or "")
    for tags in PUBLISHED:
        pair = (tags.open, tags.close)
        if all(tag in vocabulary for tag in pair) or all(tag in template for tag in pair):
            return tags
    return None


def _left_open(tokenizer: Any, template_args: Mapping[str, Any] | None) -> ThinkTags | None:
    match = _LEFT_OPEN.search(generation_prompt(tokenizer, template_args))
    if match is None:
        return None
    published = next((tags for tags in PUBLISHED if tags.open == match[0].strip()), None)
    closing = _closing(match)
    known = closing in str(tokenizer.chat_template) or closing in tokenizer.get_vocab()
    by_name = _NAMED.fullmatch(match[0].strip()) is not None
    return published or (ThinkTags(match[0].strip(), closing) if known or by_name else None)


def _bracketed(template: str) -> ThinkTags | None:
    for match in _NAMED.finditer(template):
        if _closing(match) in template:
            return ThinkTags(match[0], _closing(match))
    return None


def _closing(match: re.Match[str]) -> str:
    return f"{match[1]}/{match[2]}{match[3]}"


def opens_thinking(tokenizer: Any, tags: ThinkTags, prompt_ids: Sequence[int]) -> bool:
    """Tell whether a prompt ``[p]`` ends inside the thinking, as templates that open it do.

    Only what stands behind the last message counts: a user may write about the tags. A prompt that
    the tokenizer's template did not write is read as a whole.
    """
    text: str = tokenizer.decode(prompt_ids, skip_special_tokens=False)
    behind = behind_last_message(tokenizer, text, tags.open)
    if behind is None:
        behind = text
    return behind.rfind("".join(tags.open.split())) > behind.rfind("".join(tags.close.split()))

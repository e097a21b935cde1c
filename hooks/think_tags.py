"""Know where a model's thinking begins and ends: its tags, and whether a prompt opened it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ThinkTags:
    """The texts that bracket the thinking.

    Tags are texts, found in the decoded stream, so that one rule serves models for which a tag is
    a token and models that spell it out in several.

    Attributes:
        open: Begins the thinking.
        close: Ends it, for good.
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


PUBLISHED = (
    ThinkTags(),  # DeepSeek-R1, Qwen3, GLM, MiniMax
    ThinkTags("[THINK]", "[/THINK]", ("[TOOL_CALLS]", "[/TOOL_CALLS]")),  # Magistral
    ThinkTags("◁think▷", "◁/think▷"),  # Kimi
    ThinkTags("<seed:think>", "</seed:think>", ("<seed:tool_call>", "</seed:tool_call>")),  # Seed
    ThinkTags("<|channel|>analysis<|message|>", "<|end|>"),  # gpt-oss
)


def think_tags(tokenizer: Any) -> ThinkTags:
    """Find the thinking tags of a model in its tokenizer's vocabulary or chat template.

    Raises:
        ValueError: if it has none of the published pairs, naming the flags that set them.
    """
    vocabulary = tokenizer.get_vocab()
    template = str(tokenizer.chat_template or "")
    for tags in PUBLISHED:
        pair = (tags.open, tags.close)
        if all(tag in vocabulary for tag in pair) or all(tag in template for tag in pair):
            return tags
    tried = ", ".join(tags.open for tags in PUBLISHED)
    raise ValueError(
        f"no thinking tags in the tokenizer of {tokenizer.name_or_path!r} or its chat template "
        f"(looked for {tried}); name them with --think-open and --think-close"
    )


def opens_thinking(tokenizer: Any, tags: ThinkTags, prompt_ids: Sequence[int]) -> bool:
    """Tell whether a prompt ``[p]`` ends inside the thinking, as templates that open it do.

    True if its last open tag comes after its last close tag.
    """
    text = tokenizer.decode(prompt_ids, skip_special_tokens=False)
    return bool(text.rfind(tags.open) > text.rfind(tags.close))

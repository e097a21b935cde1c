"""What a model wrote after its thinking."""

from collections.abc import Sequence

from probexit.hooks.models import Reasoner

BRACKETS = "<[◁"


def answer_text(reasoner: Reasoner, token_ids: Sequence[int], begins: int, thinking: int) -> str:
    """Return what was written after the thinking: all of it, if it never began.

    Without a thinking, the end of the closing tag may open the text, as the final channel of
    gpt-oss does; it is no part of the answer.
    """
    if begins != len(token_ids):
        return reasoner.after_thinking(token_ids[begins + thinking :])
    close = reasoner.tags.close
    text: str = reasoner.tokenizer.decode(token_ids, skip_special_tokens=False)
    ends = (close[i:] for i, character in enumerate(close) if character in BRACKETS)
    opening = next((end for end in ends if text.startswith(end)), "")
    return reasoner.without_special(text.removeprefix(opening))

"""Ask the large model for a score from 0 to 9 (SpecReason, arXiv 2504.07891)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from probexit.exits.engines.track import Track
from probexit.exits.engines.two_models.judge import Draft, Judge, StepScore

ASKED = (
    "{question}\n\nReasoning so far:\n{before}\n\nLast reasoning step:\n{step}\n\n"
    "Rate only the last reasoning step for factual correctness and logical validity, with one "
    "digit from 0 (useless) to 9 (right and to the point)."
)
OPENING = "The score is "
LOOKED_AT = 10  # likeliest next tokens, as the released code asks its server for


@dataclass(frozen=True)
class PromptedScore(Judge):
    """The digit that the large model finds likeliest behind "The score is"; 0 if that is no digit.

    As in the released code (@8c5ee05) one forward pass is read, nothing is written. The wording is
    ours. The whole question is read anew for each step and counted; a server with a prefix cache
    would read the step alone.

    Attributes:
        asked: The question, with ``{question}``, ``{before}`` and ``{step}``.
        opening: How the reply begins.
    """

    asked: str = ASKED
    opening: str = OPENING

    def __post_init__(self) -> None:
        if not all(name in self.asked for name in ("{question}", "{before}", "{step}")):
            raise ValueError("asked must hold {question}, {before} and {step}")

    def judge(self, draft: Draft) -> StepScore:
        ids = self._ids(draft)
        logits = Track(draft.model, ids).mark.logits
        return StepScore(self.score(likeliest(logits, draft.tokenizer)), len(ids))

    def score(self, replies: Sequence[tuple[str, float]]) -> float:
        """Return the score in [0, 9] that the likeliest replies (text, probability) come to."""
        return float(replies[0][0]) if _is_digit(replies[0][0]) else 0.0

    def _ids(self, draft: Draft) -> list[int]:
        """Return what the model reads: the question in its chat template, if it has one."""
        tokenizer = draft.tokenizer
        question = tokenizer.decode(draft.before[: draft.prompt], skip_special_tokens=True)
        before = tokenizer.decode(draft.before[draft.prompt :], skip_special_tokens=True)
        text = self.asked.format(question=question, before=before, step=draft.text)
        plain = tokenizer.chat_template is None
        if not plain:
            said = [{"role": "user", "content": text}]
            text = tokenizer.apply_chat_template(said, add_generation_prompt=True, tokenize=False)
        ids: list[int] = tokenizer.encode(text + self.opening, add_special_tokens=plain)
        return ids


@dataclass(frozen=True)
class MeanPromptedScore(PromptedScore):
    """The mean of the digits among the likeliest replies, weighed by probability; 0 without any."""

    def score(self, replies: Sequence[tuple[str, float]]) -> float:
        digits = [(int(said), p) for said, p in replies if _is_digit(said)]
        total = sum(p for _, p in digits)
        return sum(digit * p for digit, p in digits) / total if total else 0.0


def likeliest(logits: Tensor, tokenizer: Any) -> list[tuple[str, float]]:
    """Return the likeliest next tokens of ``logits [V]``: their texts and probabilities."""
    top = logits.float().softmax(-1).topk(min(LOOKED_AT, len(logits)))
    said = [tokenizer.decode([i]).strip() for i in top.indices.tolist()]
    return list(zip(said, top.values.tolist(), strict=True))


def _is_digit(text: str) -> bool:
    return len(text) == 1 and text in "0123456789"

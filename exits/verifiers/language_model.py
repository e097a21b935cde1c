"""Ask a second language model whether two steps come to the same (TrimR, arXiv 2505.17155)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer

from probexit.exits.verifiers.base import Verifier

QUESTION = (
    "Here are two pieces of reasoning about the same problem.\n\n"
    "First:\n{first}\n\nSecond:\n{second}\n\n"
    "Do both come to the same final answer? Reply with Yes or No only.\n"
)
STATING = (
    "Here is a piece of reasoning about a problem.\n\n{text}\n\n"
    "Does it state an answer to the problem? Reply with Yes or No only.\n"
)
REMEMBERED = 4096  # judgements: a live run asks about the whole history again at every cue


@dataclass(frozen=True)
class LanguageModel(Verifier):
    """Yes if the model finds ``yes`` likelier than ``no`` as its next token.

    As in the paper it is asked two things, each in one forward pass and without writing anything:
    whether a step states an answer, and whether two such steps state the same. The paper uses an
    instruction-tuned model of 7 billion parameters, with examples in its prompts, which are not
    published. The model is loaded at the first question.

    Attributes:
        model: Folder or hub id of a causal language model.
        question: What it is asked of two steps, with ``{first}`` and ``{second}``; its chat
            template is used if it has one.
        stating: What it is asked of one step, with ``{text}``; "" = any step that is not empty is
            taken to state an answer.
        yes: The reply that means they do.
        no: The reply that means they do not.
        device: Where it runs.
        price: What one of its tokens costs, in tokens of the model that thinks.
    """

    model: str
    question: str = QUESTION
    stating: str = STATING
    yes: str = "Yes"
    no: str = "No"
    device: str = "cpu"
    price: float = 1.0

    def __post_init__(self) -> None:
        if not all(name in self.question for name in ("{first}", "{second}")):
            raise ValueError("the question must hold {first} and {second}, where the texts go")
        if self.stating and "{text}" not in self.stating:
            raise ValueError("stating must hold {text}, where the text goes")

    def same(self, a: str, b: str) -> bool:
        return self._judge(self.question.format(first=a, second=b))

    def states(self, text: str) -> bool:
        if not text.strip() or not self.stating:
            return bool(text.strip())
        return self._judge(self.stating.format(text=text))

    def cost(self, *texts: str) -> int:
        if len(texts) == 1 and not (self.stating and texts[0].strip()):
            return 0
        both = self.question.format(first=texts[0], second=texts[-1])
        asked = self.stating.format(text=texts[0]) if len(texts) == 1 else both
        return round(self.price * (self._length(asked) + 1))

    @cached_property
    def _judge(self) -> Callable[[str], bool]:
        return lru_cache(REMEMBERED)(self._ask)

    @cached_property
    def _length(self) -> Callable[[str], int]:
        return lru_cache(REMEMBERED)(lambda asked: int(self._ids(asked).shape[1]))

    @torch.inference_mode()
    def _ask(self, asked: str) -> bool:
        model = self._loaded[1]
        logits = model(input_ids=self._ids(asked).to(model.device)).logits[0, -1]
        yes, no = self._replies
        return bool(logits[yes] > logits[no])

    def _ids(self, asked: str) -> Tensor:
        """Return what the model reads of a question, ``[1, t]``."""
        tokenizer, _ = self._loaded
        plain = tokenizer.chat_template is None
        if not plain:
            said = [{"role": "user", "content": asked}]
            asked = tokenizer.apply_chat_template(said, add_generation_prompt=True, tokenize=False)
        ids: Tensor = tokenizer(asked, add_special_tokens=plain, return_tensors="pt").input_ids
        return ids

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        tokenizer = AutoTokenizer.from_pretrained(self.model)
        model = AutoModelForCausalLM.from_pretrained(self.model, dtype="auto")
        return tokenizer, model.to(self.device).eval()

    @cached_property
    def _replies(self) -> tuple[int, int]:
        """The first tokens of the two replies."""
        tokenizer, _ = self._loaded
        yes, no = (
            tokenizer.encode(reply, add_special_tokens=False)[:1] for reply in (self.yes, self.no)
        )
        if not yes or not no or yes == no:
            raise ValueError(
                f"{self.model} begins {self.yes!r} and {self.no!r} with the same token (or none): "
                "choose other replies"
            )
        return yes[0], no[0]

"""Ask a second language model whether two steps come to the same (TrimR, arXiv 2505.17155)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, ClassVar

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from probexit.exits.verifiers.base import Verifier

QUESTION = (
    "Here are two pieces of reasoning about the same problem.\n\n"
    "First:\n{first}\n\nSecond:\n{second}\n\n"
    "Do both come to the same final answer? Reply with Yes or No only.\n"
)
REMEMBERED = 4096  # judgements: a live run asks about the whole history again at every cue


@dataclass(frozen=True)
class LanguageModel(Verifier):
    """Yes if the model finds ``yes`` likelier than ``no`` as its next token.

    The model is loaded at the first question. One token is read off per judgement, so ``decodes``
    is 1; the two texts that it has to read are not counted. The paper uses an instruction-tuned
    model of 7 billion parameters with prompts of its own.

    Attributes:
        model: Folder or hub id of a causal language model.
        question: What it is asked, with ``{first}`` and ``{second}``; its chat template is used if
            it has one.
        yes: The reply that means they do.
        no: The reply that means they do not.
        device: Where it runs.
    """

    decodes: ClassVar[int] = 1

    model: str
    question: str = QUESTION
    yes: str = "Yes"
    no: str = "No"
    device: str = "cpu"

    def __post_init__(self) -> None:
        if not all(name in self.question for name in ("{first}", "{second}")):
            raise ValueError("the question must hold {first} and {second}, where the texts go")

    def same(self, a: str, b: str) -> bool:
        return self._judge(a, b)

    @cached_property
    def _judge(self) -> Callable[[str, str], bool]:
        return lru_cache(REMEMBERED)(self._ask)

    @torch.inference_mode()
    def _ask(self, first: str, second: str) -> bool:
        tokenizer, model = self._loaded
        text = self.question.format(first=first, second=second)
        plain = tokenizer.chat_template is None
        if not plain:
            said = [{"role": "user", "content": text}]
            text = tokenizer.apply_chat_template(said, add_generation_prompt=True, tokenize=False)
        ids = tokenizer(text, add_special_tokens=plain, return_tensors="pt").input_ids
        logits = model(input_ids=ids.to(model.device)).logits[0, -1]
        yes, no = self._replies
        return bool(logits[yes] > logits[no])

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

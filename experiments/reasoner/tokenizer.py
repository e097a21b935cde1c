"""The tokenizer: bytes, words and numbers, with a chat template and think tags."""

import random
from collections.abc import Iterator
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from probexit.experiments.reasoner.family import TRAINED
from probexit.experiments.reasoner.grammar import FAMILIES, problem
from probexit.experiments.reasoner.trace import trace

THINK, END_THINK = "<think>", "</think>"
PAD, START, END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
VOCABULARY = 1024
PIECES = r" ?\([0-9]+\)| ?[0-9]+| ?[A-Za-z]+|\n+| ?[^\sA-Za-z0-9]|\s"
"""Words, numbers and step numbers stay whole; punctuation and line breaks stand alone."""

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}"
)


CLOSING, CUE_SET = "\n\nThe answer is", "hesitation"
"""What the toolkit reads from the tokenizer, which is how to force an answer, and where to look."""


def tail(answer: str) -> str:
    """Write what follows the thinking; it begins like the closing text of a forced exit."""
    return f"{CLOSING} {answer}.{END}"


def prompt(tokenizer: Any, question: str) -> str:
    """Write a question as the user's turn, ready for thinking."""
    messages = [{"role": "user", "content": question}]
    text: str = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    return text


def _corpus(samples: int) -> Iterator[str]:
    rng = random.Random("text for the tokenizer")
    for _ in range(samples):
        family, difficulty = rng.choice(tuple(FAMILIES)), rng.choice(TRAINED)
        drawn = problem(rng, family, difficulty)
        thinking, _ = trace(rng, drawn)
        closing = tail(thinking.answer).removesuffix(END)
        yield f"user\n{drawn.question}\nassistant\n{thinking.text}{closing}"


def build(samples: int = 4000) -> Any:
    """Train the tokenizer; every state of every family becomes one token."""
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECES), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        min_frequency=8,
        special_tokens=[PAD, START, END],
        show_progress=False,
    )
    core.train_from_iterator(_corpus(samples), trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core,
        eos_token=END,
        pad_token=PAD,
        padding_side="left",
        model_max_length=2048,
        probexit_closing=CLOSING,
        probexit_cues=CUE_SET,
    )
    tags = [AddedToken(tag, special=False, normalized=False) for tag in (THINK, END_THINK)]
    tokenizer.add_tokens(tags)
    tokenizer.chat_template = TEMPLATE
    return tokenizer

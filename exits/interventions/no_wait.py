"""Keep the model from writing its reflection words (NoWait, arXiv 2506.08343)."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from probexit.exits.interventions.base import Change, Ids, Intervention
from probexit.hooks.think_tags import ThinkTags

# fmt: off
WORDS = (  # the paper's list
    "wait", "alternatively", "hmm", "but", "however", "alternative", "another", "check",
    "double-check", "oh", "maybe", "verify", "other", "again", "now", "ah", "any",
)
# fmt: on
WORD = r"[^\W_]+(?:-[^\W_]+)*"  # letters and digits, and hyphens between them


@dataclass(frozen=True)
class NoWait(Intervention):
    """Lower the logit of every token that would complete a word of the list, as a *whole* word.

    The paper takes every token whose text contains a word, and sorts out by hand those that do so
    by chance ("ah" in "Utah"). Here words are whole, so there is nothing to sort out:

    - A token that holds one of the words behind a space or a sign is lowered everywhere (" wait",
      ".Hmm,", " Maybe").
    - A token that begins with a letter counts together with what is written in front of it: "now"
      is lowered at the beginning of a word, not behind "k", and "ait" behind "W". So a word that a
      tokenizer spells in several tokens is caught at its last one.

    A token cannot be called back: where a longer word is spelled so that it begins with one of the
    list ("any" + "one"), it is lost too.

    Attributes:
        strength: Subtracted from the logit; the default leaves no chance, as the paper's "large
            negative value" does.
        words: What to suppress, in any case.
    """

    strength: float = 1e4
    words: tuple[str, ...] = WORDS

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.words or not all(re.fullmatch(WORD, w) for w in self.words):
            raise ValueError(f"words must be a tuple of single words, not {self.words!r}")

    def change(self, tokenizer: Any, tags: ThinkTags) -> Change:
        endings = Endings(tokenizer, self.words)

        def suppressed(rows: Sequence[Ids], logits: Tensor) -> Tensor:
            changed = logits.clone()
            for i, row in enumerate(rows):
                changed[i, endings.after(row, logits.device)] -= self.strength
            return changed

        return suppressed


_HOST = torch.device("cpu")


class Endings:
    """The tokens that complete a word of a list, given what a row has written of it so far.

    Args:
        tokenizer: A transformers tokenizer.
        words: Whole words, compared in lower case; a hyphen between letters is part of a word.
    """

    def __init__(self, tokenizer: Any, words: Sequence[str]) -> None:
        self._tokenizer = tokenizer
        self._words = {word.lower() for word in words}
        self._reach = max(map(len, self._words)) + 1
        self._anywhere: list[int] = []  # these bring a word of their own
        self._heads: dict[str, list[int]] = defaultdict(list)  # these go on with one that is begun
        self._found: dict[tuple[str | None, torch.device], Tensor] = {}
        for token, text in _texts(tokenizer).items():
            self._sort_in(token, text.lower())

    def _sort_in(self, token: int, text: str) -> None:
        head = re.match(f"-?{WORD}", text)
        if head:
            self._heads[head.group()].append(token)
        if self._words.intersection(re.findall(WORD, text[head.end() if head else 0 :])):
            self._anywhere.append(token)

    def after(self, row: Ids, device: torch.device = _HOST) -> Tensor:
        """Return the ids of the tokens that complete a word behind ``row``, ``[k]`` int64.

        They are kept on the device that they were asked for.
        """
        tail = self._tokenizer.decode(list(row[-self._reach :]), skip_special_tokens=False)
        begun = re.search(f"{WORD}-?$", tail.lower())
        part = begun.group() if begun else ""
        known = part if any(word.startswith(part) for word in self._words) else None
        if (known, device) not in self._found:
            completing = torch.tensor(self._completing(known), dtype=torch.long, device=device)
            self._found[known, device] = completing
        return self._found[known, device]

    def _completing(self, part: str | None) -> list[int]:
        """List the tokens behind a word begun as ``part``; None is one that none here begins as."""
        rests = [] if part is None else [w[len(part) :] for w in self._words if w.startswith(part)]
        return sorted({*self._anywhere, *(i for rest in rests for i in self._heads.get(rest, ()))})


def _texts(tokenizer: Any) -> dict[int, str]:
    """Return the text of every token, as it reads in the middle of a text."""
    special = set(tokenizer.all_special_ids)
    ids = [i for i in range(len(tokenizer)) if i not in special]
    once = tokenizer.batch_decode([[i] for i in ids])
    twice = tokenizer.batch_decode([[i, i] for i in ids])
    # What a second copy adds is the token's text with its leading space.
    return {i: b[len(a) :] for i, a, b in zip(ids, once, twice, strict=True)}

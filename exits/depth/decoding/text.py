"""The text being written: how its next token is chosen and when it ends, as ``generate`` would."""

from typing import Any, NamedTuple

import torch
from torch import Tensor


class Prompt(NamedTuple):
    """Token ids ``[1, t]``, and how many of them are pad tokens in front."""

    ids: Tensor
    padding: int


class TextInProgress:
    """Token ids of one prompt and its continuation.

    Args:
        prompt: What it begins with.
        processors: Logits processors of ``generate``.
        criteria: Its stopping criteria.
        settings: Its generation config.

    Attributes:
        ids: ``[1, t]`` all tokens so far; the newest has not been read by the model yet.
        done: Whether a stopping criterion was met.
        padding: Pad tokens that lead ``ids``; processors and criteria see them as usual.
        eos: The token that ends it, if any.
        sampled: Whether tokens are drawn, not the likeliest.
    """

    def __init__(self, prompt: Prompt, processors: Any, criteria: Any, settings: Any) -> None:
        self.ids, self.padding = prompt
        self._processors, self._criteria = processors, criteria
        self._begin = self.ids.shape[1]
        self.sampled: bool = settings.do_sample
        eos = settings.eos_token_id
        self.eos: int | None = eos[0] if isinstance(eos, list) else eos
        self.done = False

    @property
    def written(self) -> int:
        """Tokens generated so far."""
        return int(self.ids.shape[1]) - self._begin

    def unread(self, columns: int) -> Tensor:
        """Return ``[1, k]``: the tokens after the first ``columns`` of the unpadded text."""
        return self.ids[:, self.padding + columns :]

    def probabilities(self, logits: Tensor, drafted: Tensor | None = None) -> Tensor:
        """Return ``[V]`` from which the token after ``ids + drafted`` is drawn.

        Args:
            logits: ``[V]`` raw.
            drafted: ``[k]`` tokens beyond ``ids``, if any.
        """
        prefix = self.ids if drafted is None else torch.cat([self.ids, drafted[None]], 1)
        scores: Tensor = self._processors(prefix, logits[None].float().clone())[0]
        if self.sampled:
            return scores.softmax(-1)
        return torch.nn.functional.one_hot(scores.argmax(-1), len(scores)).float()

    def end(self) -> Tensor:
        """Return the token ``[1]`` that ends the text.

        Raises:
            ValueError: if the generation config names none.
        """
        if self.eos is None:
            raise ValueError("the decider ends texts, but there is no eos_token_id: give one")
        return torch.tensor([self.eos], device=self.ids.device)

    def draw(self, probabilities: Tensor) -> Tensor:
        """Return a token ``[1]`` drawn from ``[V]``."""
        if self.sampled:
            return torch.multinomial(probabilities, 1)
        return probabilities.argmax(-1, keepdim=True)

    def write(self, tokens: Tensor) -> Tensor:
        """Append ``tokens [k]`` up to the first that ends the text; return those written."""
        for i, token in enumerate(tokens):
            self.ids = torch.cat([self.ids, token[None, None]], 1)
            if bool(self._criteria(self.ids, None).any()):
                self.done = True
                return tokens[: i + 1]
        return tokens

"""One model following a text that others write too: its cache holds what it has read so far."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import Cache

from probexit.exits.depth.decoding.cache import DepthLayer
from probexit.exits.engines.refusals import refuse_recurrent_state, refuse_training
from probexit.hooks.forward import forward


@dataclass
class Effort:
    """What a model did for one text, the reading of the prompt aside.

    Attributes:
        read: Tokens it was run on; one that is read twice counts twice.
        passes: Forward passes, the prompt's with them.
        written: Tokens it wrote that stayed in the text.
        rejected: Tokens it wrote that were taken back.
    """

    read: int = 0
    passes: int = 0
    written: int = 0
    rejected: int = 0


@dataclass(frozen=True)
class Mark:
    """A place to go back to: how many tokens were read, and the logits ``[V]`` after them."""

    length: int
    logits: Tensor


class Track:
    """A model and its cache, in step with a text; batch of one.

    What is taken back is cut off the cache, so that no token that stays is read again.

    Attributes:
        model: A causal LM.
        effort: What it has done.
        mark: Where it stands.
    """

    def __init__(self, model: Any, prompt: Sequence[int]) -> None:
        """Read the prompt.

        Raises:
            ValueError: if the prompt is empty, the model is in training mode, or its layers keep a
                state that cannot be cut back.
        """
        refuse_training(model)
        refuse_recurrent_state(model)
        if not len(prompt):
            raise ValueError("the prompt is empty: give at least one token id")
        self.model, self.effort = model, Effort()
        # sliding-window layers are kept whole too: a window cannot be put back
        self._cache = Cache(layer_class_to_replicate=DepthLayer)
        self.mark = Mark(0, torch.empty(0))
        self._run(prompt, 1)
        self.effort.read = 0

    def follow(self, text: Sequence[int], draft: Sequence[int] = ()) -> Tensor:
        """Read what is new in a text, and a draft of its continuation, in one pass.

        Args:
            text: Prompt and all that stands, which begins with what was read before.
            draft: What may come next.

        Returns:
            Logits that predict each token of the draft and the one after it, ``[m + 1, V]``.

        Raises:
            ValueError: if the text is shorter than what was read.
        """
        if len(text) < self.mark.length:
            raise ValueError(
                f"{self.mark.length} tokens were read and the text has {len(text)}: "
                "go back to a mark first"
            )
        unread = [*text[self.mark.length :], *draft]
        if len(draft) < len(unread):
            return self._run(unread, len(draft) + 1)
        before = self.mark.logits[None]
        return torch.cat([before, self._run(unread, len(draft))]) if unread else before

    def back(self, mark: Mark) -> None:
        """Forget what was read after a mark."""
        for layer in self._cache.layers:
            layer.keep(mark.length)
        self.mark = mark

    def _run(self, ids: Sequence[int], keep: int) -> Tensor:
        """Run the model on the next tokens; return the newest logits, ``[keep, V]`` float32."""
        start = self.mark.length
        position = torch.arange(start, start + len(ids), device=self.model.device)
        new = torch.tensor([list(ids)])
        logits = forward(self.model, new, self._cache, position[None], keep=keep)[0].float()
        self.mark = Mark(start + len(ids), logits[-1])
        self.effort.read += len(ids)
        self.effort.passes += 1
        return logits

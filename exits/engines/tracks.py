"""One model following several texts at once, each of which may be taken back by itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import Cache

from probexit.exits.depth.decoding.cache import DepthLayer
from probexit.exits.engines.refusals import refuse_recurrent_state, refuse_training
from probexit.hooks.forward import forward

Texts = Mapping[int, Sequence[int]]
"""Token ids by row."""
PAD = 0  # any token: what stands there is masked


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


class Tracks:
    """A model and its cache, in step with several texts.

    What is taken back is cut off the cache, so that no token that stays is read again. A pass
    appends the same columns to every row, of which those count that hold a token of the row's text;
    the others are masked, and cut off once no row needs them. A sliding window counts columns, so
    models with one take a single text.

    Attributes:
        model: A causal LM.
        efforts: What was done for each text.
        marks: Where each stands.
    """

    def __init__(self, model: Any, prompts: Sequence[Sequence[int]]) -> None:
        """Read the prompts.

        Raises:
            ValueError: if a prompt is empty, the model is in training mode, or its layers keep a
                state that cannot be cut back; on several prompts, if they have sliding windows.
        """
        refuse_training(model)
        refuse_recurrent_state(model)
        if not all(len(prompt) for prompt in prompts):
            raise ValueError("a prompt is empty: give at least one token id")
        if len(prompts) > 1 and windowed(model):
            raise ValueError(f"{type(model).__name__} has sliding windows: give one prompt")
        self.model, self.efforts = model, [Effort() for _ in prompts]
        self.marks = [Mark(0, torch.empty(0)) for _ in prompts]
        # Layers with a sliding window are kept whole too: a window cannot be put back.
        self._cache = Cache(layer_class_to_replicate=DepthLayer)
        self._counts = torch.zeros(len(prompts), 0, dtype=torch.bool)  # [rows, columns]
        self._run(dict(enumerate(prompts)), 1)
        for effort in self.efforts:
            effort.read = 0

    def follow(self, texts: Texts, drafts: Texts | None = None) -> dict[int, Tensor]:
        """Read what is new in some rows' texts, and drafts of their continuations, in one pass.

        Args:
            texts: Prompt and all that stands, which begins with what was read before.
            drafts: What may come next, of the same rows; nothing by default.

        Returns:
            By row, logits of each token of the draft and of the one after it, ``[m + 1, V]``.

        Raises:
            ValueError: if a text is shorter than what was read.
        """
        drafts = dict.fromkeys(texts, ()) if drafts is None else drafts
        before = {row: self.marks[row] for row in texts}
        unread = {
            row: [*text[self.marks[row].length :], *drafts[row]] for row, text in texts.items()
        }
        for row, text in texts.items():
            if len(text) < before[row].length:
                raise ValueError(
                    f"{before[row].length} tokens were read and the text has {len(text)}: "
                    "go back to a mark first"
                )
        new = {row: ids for row, ids in unread.items() if ids}
        read = self._run(new, max(len(drafts[row]) + 1 for row in new)) if new else {}
        found = {}
        for row, mark in before.items():
            known = [read[row]] if row in read else []
            if len(unread[row]) == len(drafts[row]):
                known.insert(0, mark.logits[None])
            found[row] = torch.cat(known)[-len(drafts[row]) - 1 :]
        return found

    def back(self, marks: Mapping[int, Mark]) -> None:
        """Forget what was read of some rows after their marks."""
        for row, mark in marks.items():
            columns = self._counts[row].nonzero()[:, 0]
            self._counts[row, columns[mark.length :]] = False
            self.marks[row] = mark
        needed = int(self._counts.any(0).nonzero().max()) + 1
        self._counts = self._counts[:, :needed]
        for layer in self._cache.layers:
            layer.keep(needed)

    def _run(self, new: Mapping[int, Sequence[int]], keep: int) -> dict[int, Tensor]:
        """Run the model on next tokens of some rows; return the newest logits, float32."""
        width = max(len(ids) for ids in new.values())
        tokens = torch.full((len(self.marks), width), PAD)
        positions = torch.zeros_like(tokens)
        counts = torch.zeros_like(tokens, dtype=torch.bool)
        for row, ids in new.items():
            start = self.marks[row].length
            tokens[row, width - len(ids) :] = torch.tensor(list(ids))
            positions[row, width - len(ids) :] = torch.arange(start, start + len(ids))
            counts[row, width - len(ids) :] = True
        self._counts = torch.cat([self._counts, counts], 1)
        mask = None if bool(self._counts.all()) else self._counts.long()
        kept = min(keep, width)
        logits = forward(self.model, tokens, self._cache, positions, mask, kept).float()
        for row, ids in new.items():
            self.marks[row] = Mark(self.marks[row].length + len(ids), logits[row, -1])
            self.efforts[row].read += len(ids)
            self.efforts[row].passes += 1
        return {row: logits[row, -min(len(ids), kept) :] for row, ids in new.items()}


def windowed(model: Any) -> bool:
    """Tell whether some layer of a model sees a sliding window only."""
    config = model.config.get_text_config(decoder=True)
    kinds = getattr(config, "layer_types", None) or ()
    if kinds:
        return "sliding_attention" in kinds
    return getattr(config, "sliding_window", None) is not None

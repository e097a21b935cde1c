"""Trial answers inside generation: what the model would answer now, on a fork of its cache.

The rows themselves go on as if nothing had been asked.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from probexit.exits.engines.cache import is_recurrent
from probexit.exits.engines.readback import on_host
from probexit.exits.engines.summaries import entropy
from probexit.hooks.forward import forward


@dataclass(frozen=True)
class TrialAnswer:
    """A forced answer; empty where no trial was made.

    Attributes:
        text: The answer read out of what was written.
        ids: Its tokens, end-of-sequence included.
        logprobs: Their log-probabilities.
        entropies: Entropy (nats) of the distributions they were chosen from.
    """

    text: str = ""
    ids: tuple[int, ...] = ()
    logprobs: tuple[float, ...] = ()
    entropies: tuple[float, ...] = ()


Fork = Callable[[Sequence[int]], "Branches"]
"""Makes a copy of some rows of the running batch, by their index."""


class Branches(Protocol):
    """Copies of rows that can be written on without touching the rows."""

    def feed(self, ids: Tensor) -> Tensor:
        """Append ``ids [r, n]`` to the copies; return the next-token logits ``[r, V]``."""


@dataclass(frozen=True)
class Trials:
    """How a trial answer is decoded, the same as a forced exit is recorded.

    Attributes:
        closing: Tokens that close the thinking and start the answer.
        end: Tokens that end an answer; the first token of an answer is none of them.
        answer_tokens: Longest answer; 0 decodes none and only reads the distribution.
        read: Reads the answer out of the decoded text.
    """

    closing: Sequence[int]
    end: Collection[int]
    answer_tokens: int
    read: Callable[[Sequence[int]], str]

    def decode(self, branches: Branches, rows: int) -> list[TrialAnswer]:
        """Write the closing text and a greedy answer on every one of ``rows`` branches."""
        notes: list[list[tuple[int, float, float]]] = [[] for _ in range(rows)]
        done = [False] * rows
        ids = torch.tensor(list(self.closing)).expand(rows, -1)
        end = torch.tensor(sorted(self.end), dtype=torch.long)
        for written in range(max(self.answer_tokens, 1)):
            logprobs = branches.feed(ids).float().log_softmax(-1)
            row_entropies = entropy(logprobs)
            if written == 0:
                logprobs = logprobs.index_fill(-1, end.to(logprobs.device), float("-inf"))
            best, chosen = logprobs.max(-1)
            read = on_host({"best": best, "entropies": row_entropies, "chosen": chosen})
            columns = (read[name].tolist() for name in ("chosen", "best", "entropies"))
            for i, note in enumerate(zip(*columns, strict=True)):
                if not done[i]:
                    notes[i].append(note)
                    done[i] = note[0] in self.end
            if all(done):
                break
            ids = chosen[:, None]
        return [self._answer(note) for note in notes]

    def _answer(self, note: list[tuple[int, float, float]]) -> TrialAnswer:
        ids, logprobs, entropies = (tuple(column) for column in zip(*note, strict=True))
        if self.answer_tokens == 0:
            return TrialAnswer(entropies=entropies)
        return TrialAnswer(self.read(ids), ids, logprobs, entropies)


class CacheBranches:
    """Branches on copies of cached rows, run through the model.

    Args:
        model: The model.
        cache: The rows' own copy of the cache.
        mask: ``[r, t]`` attention mask of what is cached.
        positions: ``[r]`` position of the newest cached token.
        on_pass: Called with the number of rows after each forward pass.
    """

    def __init__(
        self,
        model: Any,
        cache: Any,
        mask: Tensor,
        positions: Tensor,
        on_pass: Callable[[int], None],
    ) -> None:
        self.model, self.cache, self.mask, self.on_pass = model, cache, mask, on_pass
        self.positions = positions[:, None]

    def feed(self, ids: Tensor) -> Tensor:
        """See ``Branches``; a recurrent state takes one token at a time, as when decoding."""
        if ids.shape[1] > 1 and is_recurrent(self.cache):
            return [self.feed(column[:, None]) for column in ids.unbind(1)][-1]
        new = ids.shape[1]
        self.mask = torch.nn.functional.pad(self.mask, (0, new), value=1)
        positions = self.positions + torch.arange(1, new + 1, device=self.positions.device)
        logits = forward(self.model, ids, self.cache, positions, self.mask, keep=1)
        self.positions = positions[:, -1:]
        self.on_pass(len(ids))
        return logits[:, -1]

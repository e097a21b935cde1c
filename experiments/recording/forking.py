"""Force exits on copies of a row, made at each cue while the sequence is read.

For models whose state cannot be cut to a prefix (recurrent, state-space and convolution layers) or
whose attention takes no mask of branches: each cue keeps a copy of all that its row holds, and the
copies then write their closing text and answer side by side, or one by one where the model's own
padded batch is not the same as its rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from probexit.exits.engines.cache import RowCache
from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.trials import CacheBranches
from probexit.experiments.recording.forced_exits import Branch, force_exits
from probexit.experiments.recording.reading import Reading, ReadRequest, RolloutReader, States
from probexit.hooks.forward import forward
from probexit.hooks.span_capture import SpanCapture


class Copies:
    """Branches on copied rows, grown together; the same use as a ``Tree`` of one sequence."""

    def __init__(
        self, model: Any, rows: Sequence[RowCache], branches: list[Branch], decoding: Decoding
    ) -> None:
        """Merge the rows, each a cache of one row with ``branch.prefix`` columns."""
        lengths = torch.tensor([branch.prefix for branch in branches])
        merged = rows[0].copy(torch.tensor([0]))
        for row in rows[1:]:
            merged.append(row)
        columns = torch.arange(int(lengths.max()))
        mask = (columns >= (lengths.max() - lengths)[:, None]).long()
        self.branches: Sequence[Sequence[Branch]] = [branches]
        self.decoding = decoding
        self.prefix = lengths[None].to(model.device)
        self._copies = CacheBranches(model, merged, mask, lengths - 1, lambda _rows: None)

    def grow(self, ids: Tensor) -> Tensor:
        """Append ``ids [1, w, s]`` to the ``w`` copies; return the next logits ``[1, w, V]``."""
        return self._copies.feed(ids[0]).float()[None]


@dataclass(frozen=True)
class SegmentReader:
    """Reads one sequence from cue to cue and keeps a copy of its row at each.

    Attributes:
        model: The model, in evaluation mode.
        layers: Layers whose states are kept.
        single: Whether a token is read at a time, for a model that cannot go on from a state
            with several.
    """

    model: Any
    layers: tuple[int, ...]
    single: bool = False

    def read(self, ids: Sequence[int], at: Sequence[int]) -> tuple[States, Tensor, list[RowCache]]:
        """Read ``ids [t]`` up to the last index of ``at``.

        Returns:
            The states at each of ``at`` and the means since the one before, ``[n, L, d]``, the
            first alone; next-token logits ``[n, V]`` at each; and the row's copies there.
        """
        cache = RowCache.of(self.model)
        rows: list[RowCache] = []
        ends: list[Tensor] = []
        means: list[Tensor] = []
        logits: list[Tensor] = []
        start = 0
        for end in at:
            state, mean, last = self._segment(ids[start : end + 1], start, cache)
            ends.append(state)
            means.append(mean if rows else state)
            logits.append(last)
            rows.append(cache.copy(torch.tensor([0], device=self.model.device)))
            start = end + 1
        return (torch.stack(ends), torch.stack(means)), torch.stack(logits), rows

    def _segment(
        self, ids: Sequence[int], start: int, cache: RowCache
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Read the next tokens; return last state and mean ``[L, d]``, and last logits ``[V]``."""
        step = 1 if self.single and start else len(ids)
        total = torch.zeros(())
        for first in range(0, len(ids), step):
            some = torch.tensor([list(ids[first : first + step])])
            columns = torch.arange(some.shape[1], device=self.model.device)
            where = (torch.zeros_like(columns), columns)
            positions = torch.arange(some.shape[1])[None] + start + first
            with SpanCapture(self.model, self.layers, where, [len(columns)]) as capture:
                logits = forward(self.model, some, cache, positions, keep=1)
                states, means = capture.spans()
            total = total + means[0] * len(columns)
        return states[0], total / len(ids), logits[0, -1].float()


@dataclass(frozen=True)
class ForkingReader(RolloutReader):
    """Reads rollouts one after another, a copy of the row at each cue.

    Attributes:
        single: Whether a token is read at a time.
        together: Copies that write at the same time; 1 needs no padding.
    """

    single: bool = False
    together: int = 16

    @torch.inference_mode()
    def read(self, rollouts: Sequence[ReadRequest]) -> list[Reading]:
        """Read each rollout from cue to cue."""
        segments = SegmentReader(self.model, self.layers, self.single)
        readings = []
        for rollout in rollouts:
            states, logits, rows = segments.read(rollout.ids, rollout.at)
            trees = []
            for sample in range(-1, self.samples):
                branches = self._branches(rollout, sample)
                self._write(rows, branches)
                trees.append([branches])
            readings += self._split([rollout], states, logits.log_softmax(-1), trees)
        return readings

    def _write(self, rows: Sequence[RowCache], branches: list[Branch]) -> None:
        """Write the closing text and an answer on copies of the rows."""
        for first in range(0, len(rows), self.together):
            some = slice(first, first + self.together)
            copies = Copies(self.model, rows[some], branches[some], self.decoding)
            force_exits(copies, self.closing, set(self.eos), self.answer_tokens)

"""Decode the forced answers of all cues of a trace together, on the prefix that they share.

Each cue becomes a branch of a tree: it sees the prefix up to its own token, then its own closing
text and answer, and nothing of the other branches. One prefill serves all of them, and no token
is ever decoded to text and back.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor

from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.summaries import entropy
from probexit.experiments.recording.attention import branch_mask
from probexit.hooks.forward import forward


@dataclass
class Branch:
    """One forced exit.

    Attributes:
        prefix: How many tokens of the sequence (prompt included) it keeps.
        ids: The answer's tokens, end-of-sequence included.
        logprobs: Their log-probabilities.
        entropies: Entropy (nats) of the distributions they were chosen from.
        uniforms: ``[a]`` random numbers to sample the answer by; None decodes greedily.
    """

    prefix: int
    ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    entropies: list[float] = field(default_factory=list)
    uniforms: Tensor | None = None
    done: bool = False


class BranchSet(Protocol):
    """Branches of ``b`` sequences, at most ``w`` of each, that grow together.

    Attributes:
        prefix: ``[b, w]`` tokens that each branch keeps of its sequence.
        branches: Each sequence's branches.
        decoding: How sampled answers are drawn.
    """

    prefix: Tensor
    branches: Sequence[Sequence[Branch]]
    decoding: Decoding

    def grow(self, ids: Tensor) -> Tensor:
        """Append ``ids [b, w, s]``; return next-token logits ``[b, w, V]`` at the ends."""


class Tree:
    """Branches over a prefilled batch, grown together a column at a time."""

    def __init__(
        self,
        model: Any,
        cache: Any,
        branches: Sequence[Sequence[Branch]],
        decoding: Decoding | None = None,
    ) -> None:
        """Take a prefilled cache of ``b`` right-padded sequences and each one's branches."""
        self.model, self.cache, self.branches = model, cache, branches
        self.decoding = decoding or Decoding()
        self.columns = int(cache.get_seq_length())
        self.width = max(len(row) for row in branches)
        prefix = [[b.prefix for b in row] + [0] * (self.width - len(row)) for row in branches]
        self.prefix = torch.tensor(prefix, device=model.device)
        # Of every column after the prefix: which branch it belongs to, and how deep it stands.
        self.owner = torch.empty(0, dtype=torch.long, device=model.device)
        self.depth = torch.empty(0, dtype=torch.long, device=model.device)

    def grow(self, ids: Tensor) -> Tensor:
        """Append ``ids [b, w, s]`` to the ``w`` branches; return logits ``[b, w, V]`` at ends."""
        rows, width, new = ids.shape
        start = int(self.depth.max()) + 1 if len(self.depth) else 0
        owner = torch.arange(width, device=ids.device).repeat_interleave(new)
        depth = torch.arange(start, start + new, device=ids.device).repeat(width)
        self.owner = torch.cat([self.owner, owner])
        self.depth = torch.cat([self.depth, depth])
        positions = self.prefix[:, owner] + depth
        ends = torch.arange(width, device=ids.device) * new + new - 1
        mask = self._mask(owner, depth, positions)
        flat = ids.reshape(rows, width * new)
        return forward(self.model, flat, self.cache, positions, mask, keep=ends).float()

    def _mask(self, owner: Tensor, depth: Tensor, positions: Tensor) -> Tensor | dict[str, Tensor]:
        stem = torch.arange(self.columns, device=owner.device)
        on_stem = stem[None, None] < self.prefix[:, owner, None]
        own = (self.owner[None] == owner[:, None]) & (self.depth[None] <= depth[:, None])
        allowed = torch.cat([on_stem, own[None].expand(len(positions), -1, -1)], -1)
        keys = torch.cat(
            [stem[None].expand(len(positions), -1), self.prefix[:, self.owner] + self.depth], -1
        )
        return branch_mask(self.model, allowed, (positions, keys))


def force_exits(tree: BranchSet, closing: Sequence[int], eos: set[int], answer_tokens: int) -> None:
    """Write ``closing`` and an answer at every branch, filling all of its columns.

    An answer is never empty: its first token is the likeliest that does not end it, as it is live.

    Args:
        tree: The branches on their prefilled cache.
        closing: Tokens that close the thinking and start the answer.
        eos: Tokens that end an answer.
        answer_tokens: Longest answer.
    """
    rows, width = tree.prefix.shape
    ids = torch.tensor(list(closing), device=tree.prefix.device).expand(rows, width, -1)
    for written in range(answer_tokens):
        logprobs = tree.grow(ids).log_softmax(-1)
        token_entropy = entropy(logprobs)
        if written == 0:
            logprobs[..., sorted(eos)] = float("-inf")
        chosen = _choose(tree, logprobs, written)
        picked = logprobs.gather(-1, chosen[..., None])[..., 0]
        _note(
            tree.branches, torch.stack([picked, token_entropy], -1).tolist(), chosen.tolist(), eos
        )
        if all(branch.done for row in tree.branches for branch in row):
            return
        ids = chosen[..., None]


def _choose(tree: BranchSet, logprobs: Tensor, written: int) -> Tensor:
    """Choose a token ``[b, w]`` of each branch from ``[b, w, V]``."""
    draws = torch.zeros(logprobs.shape[:2], dtype=torch.float64)
    greedy = torch.ones(logprobs.shape[:2], dtype=torch.bool)
    for i, row in enumerate(tree.branches):
        for j, branch in enumerate(row):
            if branch.uniforms is not None:
                draws[i, j], greedy[i, j] = branch.uniforms[written], False
    flat = logprobs.flatten(0, 1)
    chosen = tree.decoding.draw(flat, draws.flatten(), greedy.flatten())
    return chosen.reshape(logprobs.shape[:2])


def _note(
    branches: Sequence[Sequence[Branch]],
    values: list[list[list[float]]],
    tokens: list[list[int]],
    eos: set[int],
) -> None:
    for row, row_values, row_tokens in zip(branches, values, tokens, strict=True):
        for branch, (logprob, token_entropy), token in zip(
            row, row_values, row_tokens, strict=False
        ):
            if not branch.done:
                branch.ids.append(token)
                branch.logprobs.append(logprob)
                branch.entropies.append(token_entropy)
                branch.done = token in eos

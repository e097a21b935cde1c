"""Read a batch of finished rollouts: one prefill gives every cue state and all forced exits."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import DynamicCache

from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.summaries import TOP, entropy
from probexit.experiments.recording.forced_exits import Branch, Tree, force_exits
from probexit.hooks.forward import forward
from probexit.hooks.own_columns import OwnColumns
from probexit.hooks.padding import padded
from probexit.hooks.span_capture import SpanCapture

States = tuple[Tensor, Tensor]
"""States at the read tokens and means over the steps that end there, ``[n, L, d]`` each."""


@dataclass(frozen=True)
class ReadRequest:
    """A sequence and where to read it.

    Attributes:
        ids: Prompt and generated tokens.
        at: Index into ``ids`` of each token to read and to force an exit after. The first stands
            before the thinking; a step begins behind it or behind the one before.
        key: Seeds the sampling of answers.
    """

    ids: list[int]
    at: list[int]
    key: int = 0


@dataclass(frozen=True)
class Reading:
    """What one rollout's prefill gave, at its ``n`` read tokens.

    Attributes:
        hidden: ``[n, L, d]`` bfloat16.
        step_hidden: ``[n, L, d]`` bfloat16, the mean over the step that ends there.
        entropy: ``[n]`` of the next-token distribution, nats.
        top_logprobs: ``[n, k]``.
        end_logprob: ``[n]`` of the end-of-thinking token.
        answers: The forced exits.
        sampled: Per sample, the same forced exits with a sampled answer.
    """

    hidden: Tensor
    step_hidden: Tensor
    entropy: Tensor
    top_logprobs: Tensor
    end_logprob: Tensor
    answers: list[Branch]
    sampled: list[list[Branch]]


@dataclass(frozen=True)
class RolloutReader:
    """Reads rollouts of one model.

    Attributes:
        model: The model, in evaluation mode.
        layers: Layers whose states are kept.
        closing: Tokens of the forced exit; the first is the end-of-thinking token.
        eos: Tokens that end an answer.
        answer_tokens: Longest forced answer.
        samples: How many answers to sample at each forced exit besides the greedy one.
        decoding: How to sample them.
    """

    model: Any
    layers: tuple[int, ...]
    closing: tuple[int, ...]
    eos: frozenset[int]
    answer_tokens: int = 32
    samples: int = 0
    decoding: Decoding = field(default_factory=Decoding)

    @torch.inference_mode()
    def read(self, rollouts: Sequence[ReadRequest]) -> list[Reading]:
        """Prefill the rollouts together and decode all their forced exits on the shared cache."""
        cache, states, logits = self.prefill(rollouts)
        width = int(cache.get_seq_length())
        trees = [self._force(cache, rollouts, sample, width) for sample in range(-1, self.samples)]
        return self._split(rollouts, states, logits.float().log_softmax(-1), trees)

    @torch.inference_mode()
    def prefill(self, rollouts: Sequence[ReadRequest]) -> tuple[Any, States, Tensor]:
        """Run the model once on all rollouts, right-padded.

        Returns:
            The filled cache; states and steps' means ``[n, L, d]`` at all read tokens; next-token
            logits ``[n, V]`` there.
        """
        device = self.model.device
        ids, mask = padded([r.ids for r in rollouts], "right")
        rows = torch.tensor([i for i, r in enumerate(rollouts) for _ in r.at], device=device)
        columns = torch.tensor([at for r in rollouts for at in r.at], device=device)
        cache = DynamicCache()
        places = torch.arange(ids.shape[1])[None].expand(len(ids), -1)
        own = OwnColumns(self.model, rows, columns)
        with own, SpanCapture(self.model, self.layers, *_steps(rollouts)) as capture:
            logits = own.of(forward(self.model, ids, cache, places, mask, keep=own.kept))
            states = capture.spans()
        return cache, states, logits

    def _force(
        self, cache: Any, rollouts: Sequence[ReadRequest], sample: int, width: int
    ) -> list[list[Branch]]:
        """Force all exits once: greedily if ``sample`` is -1."""
        if grown := int(cache.get_seq_length()) - width:
            cache.crop(-grown)  # what the tree before has written

        branches = [self._branches(rollout, sample) for rollout in rollouts]
        tree = Tree(self.model, cache, branches, self.decoding)
        force_exits(tree, self.closing, set(self.eos), self.answer_tokens)
        return branches

    def _branches(self, rollout: ReadRequest, sample: int) -> list[Branch]:
        """Open a branch at each read token: greedy if ``sample`` is -1."""

        def uniforms(at: int) -> Tensor | None:
            if sample < 0:
                return None
            generator = np.random.default_rng((self.decoding.seed, rollout.key, at, sample))
            return torch.from_numpy(generator.random(self.answer_tokens))

        return [Branch(at + 1, uniforms=uniforms(at)) for at in rollout.at]

    def _split(
        self,
        rollouts: Sequence[ReadRequest],
        states: States,
        logprobs: Tensor,
        trees: list[list[list[Branch]]],
    ) -> list[Reading]:
        """Cut the batch's columns back into rollouts."""
        top = logprobs.topk(min(TOP, logprobs.shape[-1]), -1).values
        stored = (column.to(torch.bfloat16) for column in states)
        columns = (*stored, entropy(logprobs), top, logprobs[:, self.closing[0]])
        counts = [len(r.at) for r in rollouts]
        cut = zip(*(torch.split(column.cpu(), counts) for column in columns), strict=True)
        readings = []
        for i, (hidden, means, cue_entropies, best, end) in enumerate(cut):
            answers, *sampled = [tree[i] for tree in trees]
            readings.append(Reading(hidden, means, cue_entropies, best, end, answers, sampled))
        return readings


def _steps(rollouts: Sequence[ReadRequest]) -> tuple[tuple[Tensor, Tensor], list[int]]:
    """Return rows and columns of each step's tokens, and the steps' lengths.

    The first read token, before the thinking, is a step of its own.
    """
    at = [(i, c) for i, r in enumerate(rollouts) for c in range(r.at[0], r.at[-1] + 1)]
    rows, columns = torch.tensor(at).unbind(1)
    lengths = [b - a for r in rollouts for a, b in pairwise([r.at[0] - 1, *r.at])]
    return (rows, columns), lengths

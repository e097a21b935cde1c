"""Read a batch of finished rollouts: one prefill gives every cue state and all forced exits."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import DynamicCache

from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.summaries import TOP, entropy
from probexit.experiments.recording.forced_exits import Branch, Tree, force_exits
from probexit.hooks.capture import Capture
from probexit.hooks.forward import forward


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
        cache, hidden, logits = self.prefill(rollouts)
        width = int(cache.get_seq_length())
        trees = [self._force(cache, rollouts, sample, width) for sample in range(-1, self.samples)]
        states = torch.split(hidden, [r.at[-1] - r.at[0] + 1 for r in rollouts])
        return self._split(rollouts, states, logits.float().log_softmax(-1), trees)

    @torch.inference_mode()
    def prefill(self, rollouts: Sequence[ReadRequest]) -> tuple[Any, Tensor, Tensor]:
        """Run the model once on all rollouts, right-padded.

        Returns:
            The filled cache; states ``[m, L, d]`` of each rollout's tokens from its first read one
            to its last; next-token logits ``[n, V]`` at the read tokens.
        """
        device = self.model.device
        width = max(len(r.ids) for r in rollouts)
        ids = torch.tensor([r.ids + [0] * (width - len(r.ids)) for r in rollouts], device=device)
        mask = torch.tensor([[1] * len(r.ids) + [0] * (width - len(r.ids)) for r in rollouts])
        rows = torch.tensor([i for i, r in enumerate(rollouts) for _ in r.at], device=device)
        columns = torch.tensor([at for r in rollouts for at in r.at], device=device)
        kept, where = torch.unique(columns, return_inverse=True)
        thought = [(i, at) for i, r in enumerate(rollouts) for at in range(r.at[0], r.at[-1] + 1)]
        positions = torch.tensor(thought, device=device).unbind(1)
        cache = DynamicCache()
        places = torch.arange(width, device=device)[None].expand(len(ids), -1)
        with Capture(self.model, self.layers, positions=(positions[0], positions[1])) as capture:
            logits = forward(self.model, ids, cache, places, mask, keep=kept)
            hidden = capture.chosen()
        return cache, hidden, logits[rows, where]

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
        states: Sequence[Tensor],
        logprobs: Tensor,
        trees: list[list[list[Branch]]],
    ) -> list[Reading]:
        """Cut the batch's columns back into rollouts."""
        top = logprobs.topk(min(TOP, logprobs.shape[-1]), -1).values
        columns = (entropy(logprobs), top, logprobs[:, self.closing[0]])
        split = [torch.split(column.cpu(), [len(r.at) for r in rollouts]) for column in columns]
        readings = []
        for i, (rollout, hidden) in enumerate(zip(rollouts, states, strict=True)):
            ends = torch.tensor(rollout.at) - rollout.at[0]
            cue_entropies, best, end = (column[i] for column in split)
            answers, *sampled = [tree[i] for tree in trees]
            at_ends = hidden[ends.to(hidden.device)].to(torch.bfloat16).cpu()
            means = _means(hidden, ends)
            readings.append(Reading(at_ends, means, cue_entropies, best, end, answers, sampled))
        return readings


def _means(hidden: Tensor, ends: Tensor) -> Tensor:
    """Average ``hidden [t, L, d]`` over the steps that end at ``ends [n]``; the first is alone."""
    lengths = ends.diff(prepend=torch.tensor([-1]))
    steps = torch.split(hidden.float(), lengths.tolist())
    return torch.stack([step.mean(0) for step in steps]).to(torch.bfloat16).cpu()

"""Read a batch of finished rollouts: one prefill gives every cue state and all forced exits."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from probexit.experiments.recording.forced_exits import Branch, Tree, force_exits
from probexit.hooks.capture import Capture

TOP = 20  # largest log-probabilities kept at a cue (DeepConf's k, arXiv 2508.15260)


@dataclass(frozen=True)
class Rollout:
    """A sequence and where to read it.

    Attributes:
        ids: Prompt and generated tokens.
        at: Index into ``ids`` of each token to read and to force an exit after.
    """

    ids: list[int]
    at: list[int]


@dataclass(frozen=True)
class Reading:
    """What one rollout's prefill gave, at its ``n`` read tokens.

    Attributes:
        hidden: ``[n, L, d]`` bfloat16.
        entropy: ``[n]`` of the next-token distribution, nats.
        top_logprobs: ``[n, k]``.
        end_logprob: ``[n]`` of the end-of-thinking token.
        answers: The forced exits.
    """

    hidden: Tensor
    entropy: Tensor
    top_logprobs: Tensor
    end_logprob: Tensor
    answers: list[Branch]


@dataclass(frozen=True)
class Reader:
    """Reads rollouts of one model.

    Attributes:
        model: The model, in evaluation mode.
        layers: Layers whose states are kept.
        closing: Tokens of the forced exit; the first is the end-of-thinking token.
        eos: Tokens that end an answer.
        answer_tokens: Longest forced answer.
    """

    model: Any
    layers: tuple[int, ...]
    closing: tuple[int, ...]
    eos: frozenset[int]
    answer_tokens: int = 32

    @torch.inference_mode()
    def read(self, rollouts: Sequence[Rollout]) -> list[Reading]:
        """Prefill the rollouts together and decode all their forced exits on the shared cache."""
        device = self.model.device
        width = max(len(r.ids) for r in rollouts)
        ids = torch.tensor([r.ids + [0] * (width - len(r.ids)) for r in rollouts], device=device)
        mask = torch.tensor([[1] * len(r.ids) + [0] * (width - len(r.ids)) for r in rollouts])
        rows = torch.tensor([i for i, r in enumerate(rollouts) for _ in r.at], device=device)
        columns = torch.tensor([at for r in rollouts for at in r.at], device=device)
        kept, where = torch.unique(columns, return_inverse=True)
        cache = DynamicCache()
        with Capture(self.model, self.layers, positions=(rows, columns)) as capture:
            output = self.model(
                input_ids=ids,
                attention_mask=mask.to(device),
                position_ids=torch.arange(width, device=device)[None].expand(len(ids), -1),
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=kept,
            )
            hidden = capture.chosen().to(torch.bfloat16).cpu()
        logprobs = output.logits[rows, where].float().log_softmax(-1)
        answers = [[Branch(at + 1) for at in r.at] for r in rollouts]
        tree = Tree(self.model, cache, answers)
        force_exits(tree, self.closing, set(self.eos), self.answer_tokens)
        return self._split(hidden, logprobs, answers)

    def _split(
        self, hidden: Tensor, logprobs: Tensor, answers: list[list[Branch]]
    ) -> list[Reading]:
        """Cut the batch's columns back into rollouts."""
        entropy = -(logprobs.exp() * logprobs).nan_to_num(0.0).sum(-1).cpu()
        top = logprobs.topk(min(TOP, logprobs.shape[-1]), -1).values.cpu()
        end = logprobs[:, self.closing[0]].cpu()
        sizes = [len(row) for row in answers]
        columns = [torch.split(column, sizes) for column in (hidden, entropy, top, end)]
        return [Reading(*parts) for parts in zip(*columns, answers, strict=True)]

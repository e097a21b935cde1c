"""Let a reward choose among the likeliest next tokens (ARGS, as Otter uses it; 2408.10764)."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.refusals import refuse_training
from probexit.exits.inserted.reader import BothCaches, RewardReader
from probexit.exits.inserted.stream import RewardStream
from probexit.hooks.models import Reasoner


@dataclass(frozen=True)
class GuidedText:
    """A text that a reward has guided.

    Attributes:
        token_ids: Generated tokens, end-of-sequence included.
        charged: Candidates that were read and not taken.
    """

    token_ids: list[int]
    charged: int


@dataclass(frozen=True)
class RewardGuided:
    """Scores each of the ``k`` likeliest tokens v by ``logit(v) + weight * r([text, v])``.

    The likeliest score wins, or one is drawn from ``softmax(score / T)``. The reward of a candidate
    comes from the pass that gives the logits behind it: the candidates run as one batch, and the
    winner's cache is kept.

    Attributes:
        stream: Reads the reward.
        weight: Of the reward; 0 = plain decoding among the ``k`` likeliest.
        k: Candidates; the released code of ARGS (@db0e1c1) has 10.
    """

    stream: RewardStream
    weight: float = 1.0
    k: int = 10

    @torch.inference_mode()
    def write(
        self, reasoner: Reasoner, prompt: Sequence[int], decoding: Decoding, key: int = 0
    ) -> GuidedText:
        """Continue a prompt.

        Args:
            reasoner: The model.
            prompt: Token ids.
            decoding: How to generate; its batch size is not used.
            key: Seeds the sampling, at least 0.

        Raises:
            ValueError: if the prompt is empty, or the model is in training mode.
        """
        refuse_training(reasoner.model)
        if not len(prompt):
            raise ValueError("the prompt is empty: give at least one token id")
        device, uniforms = reasoner.model.device, decoding.uniforms(key)
        caches = BothCaches()
        ids, charged, free = list[int](), 0, torch.tensor([False], device=device)
        with RewardReader(reasoner.model, self.stream) as reader:
            logits = reader.run(torch.tensor([list(prompt)], device=device), caches)[0][0, -1]
            while len(ids) < decoding.max_new_tokens and not (ids and ids[-1] in reasoner.eos):
                best = logits.float().topk(min(self.k, len(logits)))
                forks = caches.rows(torch.zeros(len(best.indices), dtype=torch.long, device=device))
                behind, reward = reader.run(best.indices[:, None], forks)
                scores = best.values + self.weight * reward[:, -1]
                number = uniforms[len(ids)][None]
                chosen = decoding.draw(scores[None], number, free)
                ids.append(int(best.indices[chosen]))
                charged += len(best.indices) - 1
                caches, logits = forks.rows(chosen), behind[int(chosen), -1]
        return GuidedText(ids, charged)

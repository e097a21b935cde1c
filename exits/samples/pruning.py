"""Stop samples that a new one would probably better (mid-generation pruning, arXiv 2410.02725)."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from probexit.exits.samples.base import Sample, SampleRule, State
from probexit.probes.base import Probe

FEATURES = 6
NEWEST = 16  # tokens that count as the newest


@dataclass(frozen=True, kw_only=True)
class Pruning(SampleRule):
    """After some numbers of tokens, stop each sample that looks worse than a fresh one.

    The paper trains the model itself to say whether restarting would do better, and prunes after a
    fixed number of tokens. Here a light probe on what the sample's probabilities look like so far
    says how likely its answer will be right; restarting does better where that is below ``floor``,
    the chance of a fresh sample. The last sample is never stopped.

    Attributes:
        probe: Fitted on ``features``.
        floor: How likely a fresh sample is right.
        at: Numbers of tokens after which to look.
    """

    probe: Probe
    floor: float = 0.5
    at: tuple[int, ...] = (32, 64)

    def stop(self, group: Sequence[Sample]) -> list[int]:
        due = [
            i
            for i, sample in enumerate(group)
            if sample.state is State.RUNNING and sample.tokens in self.at
        ]
        if not due:
            return []
        scores = self.probe.score(torch.stack([self._read(group[i]) for i in due])).tolist()
        ranked = sorted(zip(scores, due, strict=True))
        hopeless = [i for score, i in ranked if score < self.floor]
        alive = [s for s in group if s.state in (State.RUNNING, State.FINISHED)]
        return hopeless[: len(alive) - 1]

    @staticmethod
    def _read(sample: Sample) -> Tensor:
        n = sample.tokens
        return features(sample.logprobs[:n], sample.entropies[:n], sample.confidences[:n])


def features(
    logprobs: Sequence[float] | Tensor,
    entropies: Sequence[float] | Tensor,
    confidences: Sequence[float] | Tensor,
) -> Tensor:
    """Describe the tokens written so far, ``[FEATURES]``.

    Mean log-probability and entropy, mean confidence, the least log-probability, and the mean
    entropy and confidence of the newest tokens.

    Args:
        logprobs: ``[t]`` log-probabilities of the tokens.
        entropies: ``[t]`` entropies (nats).
        confidences: ``[t]`` confidences, as in ``Sample``.
    """
    p, h, c = (torch.as_tensor(column) for column in (logprobs, entropies, confidences))
    parts = [p.mean(), h.mean(), c.mean(), p.min(), h[-NEWEST:].mean(), c[-NEWEST:].mean()]
    return torch.stack(parts).float()

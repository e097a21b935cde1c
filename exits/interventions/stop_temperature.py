"""Rescale the logit of the stop token alone (the "TS" of arXiv 2505.07961)."""

from dataclasses import dataclass

from torch import Tensor

from probexit.exits.interventions.closing_tag import ClosingTag


@dataclass(frozen=True)
class StopTemperature(ClosingTag):
    """Give the stop token a temperature of its own: its log-probability is divided by it.

    ``log p(</think>) <- log p(</think>) / (1 + strength)``, all others as they were, then
    normalised. As a log-probability is at most 0, this can only raise the stop token, which a
    factor on a raw logit could not promise. **The paper's exact factor could not be verified**:
    the form and the default are ours.

    Attributes:
        strength: The stop token's temperature, less 1.
    """

    strength: float = 1.0

    def gain(self, logits: Tensor, stop: Tensor) -> Tensor:
        logprob = logits.log_softmax(-1).gather(-1, stop[:, None])[:, 0]
        # ruled out stays ruled out: -inf / temperature minus -inf would be no number
        return (logprob / (1 + self.strength) - logprob).nan_to_num(nan=0.0, posinf=0.0)

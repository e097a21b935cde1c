"""Notes of every token that a loop takes for whoever records: each costs a look at all logits."""

from collections.abc import Sequence

import torch
from torch import Tensor

from probexit.exits.engines.generation import PartialGeneration
from probexit.exits.engines.summaries import confidence, entropy


class TokenNotes:
    """Writes down log-probability, entropy and confidence of each token, as in ``Generation``.

    ``Loop.run(prompts, notes=TokenNotes())``; without it these columns stay empty.
    """

    columns = 3

    def take(self, logits: Tensor, chosen: Tensor) -> Tensor:
        """Return what is to be kept, ``[b, 3]``, of ``logits [b, V]`` and the tokens ``[b]``."""
        logprobs = logits.log_softmax(-1)
        picked = logprobs.gather(-1, chosen[:, None])[:, 0]
        return torch.stack([picked, entropy(logprobs), confidence(logprobs)], 1)

    def write(self, text: PartialGeneration, values: Sequence[float]) -> None:
        """Add the numbers of the newest token to a text's columns."""
        logprob, token_entropy, token_confidence = values
        text.logprobs.append(logprob)
        text.entropies.append(token_entropy)
        text.confidences.append(token_confidence)

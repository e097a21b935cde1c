"""The contract of a drafter: guess the next token with less than the whole model."""

from abc import ABC, abstractmethod

from torch import Tensor

from probexit.exits.depth.passes import Passes


class Drafter(ABC):
    """Runs part of the model on the newest token.

    What a drafter does never changes the text that comes out, only how fast; it may look at hidden
    states and past tokens, but a token once drafted is verified, never thrown away for its own
    looks: that would shift the distribution of sampled text.
    """

    @abstractmethod
    def draft(self, passes: Passes, tokens: Tensor, step: int) -> Tensor:
        """Return logits for the token after ``tokens``; ``passes.deep`` says if all layers ran.

        Args:
            passes: The model and its cache.
            tokens: ``[1, q]`` all that is not settled: the newest token of the text and drafts.
            step: Tokens decoded since the prompt.

        Returns:
            ``[q, V]`` if all layers ran, which verifies the drafts; else only the last row counts.
        """

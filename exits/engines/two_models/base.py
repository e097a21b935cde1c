"""The contract of a way to write one text with two models."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.two_models.pair import ModelPair, TwoModelText


class TwoModelEngine(ABC):
    """Shares the writing of a text between a small and a large model; one text at a time."""

    @abstractmethod
    def write(
        self, pair: ModelPair, prompt: Sequence[int], decoding: Decoding, key: int = 0
    ) -> TwoModelText:
        """Continue a prompt.

        Args:
            pair: The two models.
            prompt: Token ids.
            decoding: How to generate; its batch size is not used.
            key: Seeds the sampling, at least 0.

        Raises:
            ValueError: if the prompt is empty, a model is in training mode, or its layers keep a
                state that cannot be cut back.
        """

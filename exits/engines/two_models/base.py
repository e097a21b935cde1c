"""The contract of a way to write one text with two models."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.two_models.pair import ModelPair, TwoModelText


class TwoModelEngine(ABC):
    """Shares the writing of a text between a small and a large model."""

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

    def write_all(
        self,
        pair: ModelPair,
        prompts: Sequence[Sequence[int]],
        decoding: Decoding,
        keys: Sequence[int],
    ) -> list[TwoModelText]:
        """Continue several prompts, each as ``write`` would alone; one after another by default.

        Args:
            pair: The two models.
            prompts: Token ids.
            decoding: How to generate; its batch size is not used.
            keys: Seed the sampling of each prompt.

        Raises:
            ValueError: as ``write``.
        """
        pairs = zip(prompts, keys, strict=True)
        return [self.write(pair, prompt, decoding, key) for prompt, key in pairs]

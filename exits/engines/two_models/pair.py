"""Two models with one tokenizer, and what they wrote together."""

from dataclasses import dataclass
from typing import Any, Self

from probexit.exits.engines.tracks import Effort
from probexit.hooks.end_ids import end_ids


@dataclass(frozen=True)
class ModelPair:
    """A small and a large model that read and write the same tokens.

    Attributes:
        small: The cheaper causal LM.
        large: The dearer one.
        tokenizer: That of both.
    """

    small: Any
    large: Any
    tokenizer: Any

    def __post_init__(self) -> None:
        """Refuse models that do not share a vocabulary.

        Raises:
            ValueError: if the sizes of the vocabularies differ.
        """
        sizes = [m.get_output_embeddings().weight.shape[0] for m in (self.small, self.large)]
        if sizes[0] != sizes[1]:
            raise ValueError(
                f"the models predict {sizes[0]} and {sizes[1]} tokens: "
                "take two models of one family, with the same tokenizer"
            )

    @classmethod
    def of(cls, first: tuple[Any, Any], second: tuple[Any, Any]) -> Self:
        """Pair two (model, tokenizer), whichever is the larger.

        Raises:
            ValueError: if their tokenizers differ.
        """
        if first[1].get_vocab() != second[1].get_vocab():
            raise ValueError("the two tokenizers differ: take two models of one family")
        small, large = sorted((first[0], second[0]), key=weight)
        return cls(small, large, first[1])

    @property
    def end(self) -> set[int]:
        """Tokens that end a text."""
        return end_ids(self.large, self.tokenizer)


def weight(model: Any) -> float:
    """Return the multiplications a token costs: the parameters that are used for each one.

    Half the usual count of FLOPs per token, 2 N; what attention adds with the length is left out.
    """
    total = sum(int(p.numel()) for p in model.parameters())
    given, made = model.get_input_embeddings().weight, model.get_output_embeddings().weight
    return float(total if given is made else total - int(given.numel()))


@dataclass
class TwoModelText:
    """A text by two models.

    Attributes:
        token_ids: Generated tokens, end-of-sequence included.
        by_large: Which of them the large model wrote.
        finished: Whether it ended by itself, not by the token limit.
        small: What the small model did.
        large: What the large model did.
        judged: Steps that were judged.
        accepted: Steps of the small model that were accepted.
    """

    token_ids: list[int]
    by_large: list[bool]
    finished: bool
    small: Effort
    large: Effort
    judged: int = 0
    accepted: int = 0

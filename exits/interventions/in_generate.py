"""An intervention inside ``model.generate``: ``logits_processor=[RowIntervention(bound)]``."""

from torch import Tensor
from transformers import LogitsProcessor

from probexit.exits.interventions.base import Bound


class RowIntervention(LogitsProcessor):  # type: ignore[misc]  # transformers is untyped here
    """Lets a bound intervention see the rows of ``generate``.

    Left padding is read as part of the prompt, and what fills a finished row up as part of its
    answer; neither changes whether a row thinks.
    """

    def __init__(self, bound: Bound) -> None:
        self.bound = bound

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Take ``input_ids [b, t]`` and ``scores [b, V]``; return other scores."""
        return self.bound(input_ids.tolist(), scores)

"""One model following a text that others write too: its cache holds what it has read so far."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from probexit.exits.engines.tracks import Effort, Mark, Tracks

ROW = 0


class Track:
    """A model and its cache, in step with one text; sliding windows may be among its layers.

    What is taken back is cut off the cache, so that no token that stays is read again.

    Attributes:
        model: A causal LM.
    """

    def __init__(self, model: Any, prompt: Sequence[int]) -> None:
        """Read the prompt.

        Raises:
            ValueError: if the prompt is empty, the model is in training mode, or its layers keep a
                state that cannot be cut back.
        """
        self.model, self._tracks = model, Tracks(model, [prompt])

    @property
    def effort(self) -> Effort:
        """What it has done."""
        return self._tracks.efforts[ROW]

    @property
    def mark(self) -> Mark:
        """Where it stands."""
        return self._tracks.marks[ROW]

    def follow(self, text: Sequence[int], draft: Sequence[int] = ()) -> Tensor:
        """Read what is new in a text, and a draft of its continuation, in one pass.

        Args:
            text: Prompt and all that stands, which begins with what was read before.
            draft: What may come next.

        Returns:
            Logits that predict each token of the draft and the one after it, ``[m + 1, V]``.

        Raises:
            ValueError: if the text is shorter than what was read.
        """
        return self._tracks.follow({ROW: text}, {ROW: draft})[ROW]

    def back(self, mark: Mark) -> None:
        """Forget what was read after a mark."""
        self._tracks.back({ROW: mark})

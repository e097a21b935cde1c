"""What a loop writes for a prompt: while it runs, and when it is done."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from probexit.exits.engines.row import Exit, Row


@dataclass(frozen=True)
class Generation:
    """What the loop wrote for one prompt.

    Attributes:
        token_ids: Generated tokens, end-of-sequence included.
        logprobs: Log-probability of each under the model (temperature 1); like the two below,
            empty where the loop took no notes (``TokenNotes``).
        entropies: Entropy (nats) of the distribution each was drawn from.
        confidences: Mean negative log-probability of the 20 likeliest tokens there.
        finished: Whether it ended by itself, not by the token limit.
        exit: Where the controller left the thinking, if it did.
        scores: The signal at the cues that were seen.
        probed: Tokens decoded only to decide.
        stopped: Whether ``watch`` stopped it.
    """

    token_ids: list[int]
    logprobs: list[float]
    entropies: list[float]
    confidences: list[float]
    finished: bool
    exit: Exit | None = None
    scores: tuple[float, ...] = ()
    probed: int = 0
    stopped: bool = False


@dataclass
class PartialGeneration:
    """What a prompt that is being worked on has written so far; as in ``Generation``."""

    ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    entropies: list[float] = field(default_factory=list)
    confidences: list[float] = field(default_factory=list)


@dataclass
class Slot(PartialGeneration):
    """A place in the batch and the prompt that holds it.

    Attributes:
        index: Number of the prompt.
        prompt: Its tokens.
        text: The same, and what was written; one list, which grows.
        row: What its controller knows of it, if there is one.
    """

    index: int = 0
    prompt: Sequence[int] = ()
    text: list[int] = field(default_factory=list)
    row: Row | None = None

    def __post_init__(self) -> None:
        self.text = list(self.prompt)

    def write(self, token: int) -> None:
        """Add a token."""
        self.ids.append(token)
        self.text.append(token)

    def close(self, finished: bool, stopped: bool) -> Generation:
        """Return what was written, now that it ends."""
        row = self.row
        return Generation(
            self.ids,
            self.logprobs,
            self.entropies,
            self.confidences,
            finished,
            row.exit if row else None,
            tuple(row.scores) if row else (),
            row.probed if row else 0,
            stopped,
        )


Processor = Callable[[Sequence[list[int] | None], Tensor], Tensor]
"""Changes the next-token logits ``[b, V]`` of rows given by all their ids; None is no row.

A row is one list from its first pass to its last, which grows by a token a pass.
"""

Watch = Callable[[Mapping[int, PartialGeneration]], Collection[int]]
"""Looks at the prompts being worked on, by index, and says which to stop."""

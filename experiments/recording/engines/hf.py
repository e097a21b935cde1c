"""Rollouts by transformers, in the own token loop: the same for a problem in any batch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count

from probexit.exits.engines.generation import Generation
from probexit.exits.engines.loop import Loop
from probexit.exits.engines.token_notes import TokenNotes
from probexit.experiments.recording.engines.base import RolloutEngine
from probexit.experiments.recording.memory import BatchSize


@dataclass(frozen=True)
class Hf(RolloutEngine):
    """The own token loop over the loaded model; half the rows at once where memory runs out."""

    def __post_init__(self) -> None:
        if self.options:
            raise ValueError(
                f"--engine hf takes no {next(iter(self.options))!r}: --batch-size and the options "
                "of how the model is loaded say all there is"
            )

    @cached_property
    def batch_size(self) -> BatchSize:
        """Rows that are generated together."""
        return BatchSize(self.decoding.batch_size)

    def write(
        self,
        prompts: Sequence[Sequence[int]],
        keys: Sequence[int],
        on_done: Callable[[int], None] = lambda _: None,
    ) -> list[Generation]:
        def generate(rows: int) -> list[Generation]:
            done = count(1)
            decoding = replace(self.decoding, batch_size=rows)
            loop = Loop(self.reasoner.model, self.reasoner.tokenizer, None, decoding)
            return loop.run(
                prompts, keys, lambda _index, _generation: on_done(next(done)), notes=TokenNotes()
            )

        return self.batch_size.run(generate)

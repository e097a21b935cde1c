"""The own loop against ``generate``, at batch 1 and 4, with prompts of different length."""

import warnings
from typing import ClassVar

from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.generation import Generation
from probexit.exits.engines.loop import Loop
from probexit.exits.engines.token_notes import TokenNotes
from probexit.experiments.recording.checks.base import NEW, Finding, ModelCheck, Plain, Subject


class OwnLoop(ModelCheck):
    """The own loop writes what plain ``generate`` writes on each prompt alone."""

    title: ClassVar[str] = "own loop, which records"
    short: ClassVar[bool] = True

    def run(self, subject: Subject) -> Finding:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            apart = {size: self._apart(subject, size) for size in (1, 4)}
        if apart[1] > subject.tie:
            return self.wrong(f"{apart[1]:.2g} nats from generate at batch 1", "use attach()")
        if apart[4] > subject.tie:
            return self._batch(subject, apart[4])
        alone = [str(w.message) for w in told if "one at a time" in str(w.message)]
        if alone:
            return self.has(alone[0])
        return self.has(f"batch 1 and 4 equal to generate (largest {max(apart.values()):.1g} nats)")

    def _apart(self, subject: Subject, size: int) -> float:
        decoding = Decoding(NEW, batch_size=size)
        loop = Loop(subject.model, subject.reasoner.tokenizer, None, decoding)
        done = loop.run(subject.prompts, notes=TokenNotes())
        return max(_difference(g, p, subject.tie) for g, p in zip(done, subject.alone, strict=True))

    def _batch(self, subject: Subject, apart: float) -> Finding:
        itself = subject.batch_dependence
        if subject.tie < itself and apart <= 10 * itself:
            return self.has(
                f"up to {apart:.2g} nats from generate in a batch of 4: the model itself depends "
                f"on its batch ({itself:.2g} nats without padding), so replay equals live, and "
                "layer exits are lossless, only up to that"
            )
        pairs = zip(subject.batched, subject.alone, strict=True)
        own = max(subject.difference(a, b) for a, b in pairs)
        who = (
            "the model's own padded batch is too" if own > subject.tie else "plain generate is not"
        )
        return self.wrong(
            f"{apart:.2g} nats from generate in a batch of 4 ({who})", "use --batch-size 1"
        )


def _difference(mine: Generation, plain: Plain, tie: float) -> float:
    """Return the distance (nats) of the log-probabilities up to a tie; see ``Subject``."""
    largest = 0.0
    steps = zip(mine.token_ids, mine.logprobs, plain.tokens[: NEW - 1], strict=False)
    for step, (token, logprob, other) in enumerate(steps):
        gap = abs(logprob - float(plain.logprobs[step, token]))
        if token != other:
            apart = float(plain.logprobs[step, other] - plain.logprobs[step, token])
            return max(largest, gap, 0.0 if abs(apart) <= 2 * tie else abs(apart))
        largest = max(largest, gap)
    return largest

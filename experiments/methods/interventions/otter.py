"""Guide decoding by a reward read beside the frozen model (Otter, arXiv 2408.10764)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from probexit.exits.inserted.activations import UnsupportedType
from probexit.exits.inserted.guided import RewardGuided
from probexit.exits.inserted.kept import trained_stream
from probexit.exits.inserted.preference import Pair, PreferenceTraining
from probexit.exits.inserted.stream import RewardStream
from probexit.exits.trace import Trace
from probexit.experiments.methods.core.base import MethodFamily, Unavailable
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.live_rule import LiveRule
from probexit.experiments.methods.online.base import Recipe
from probexit.experiments.methods.online.guided import Guided
from probexit.experiments.methods.online.live_evaluator import LiveEvaluator


@dataclass(frozen=True)
class Otter(LiveRule):
    """A reward, read at each candidate token by inserted parameters, is added to its logit.

    The inserted stream and the guidance (ARGS, ten candidates, weight 1) are as published; the
    paper has released no code, and its widths, losses and learning rate were not found. Where it
    rewards helpful and harmless answers, a right answer is better here than a wrong one to the same
    problem: full runs of the fit split, and forced answers at their cues, which are shorter where
    they come early, so that length helps to tell them apart. Weight 0 is the control: the same ten
    candidates, the reward unread. Every candidate is charged; the stream itself, narrow as it is,
    is not.

    Attributes:
        weights: Of the reward.
        k: Candidates of a token.
        pairs: Most pairs of one problem.
        learning: How the stream is trained.
    """

    title: ClassVar[str] = "Otter"
    family: ClassVar[MethodFamily] = MethodFamily.INTERVENTION
    reads: ClassVar[str] = "an inserted stream beside the hidden states"
    cost: ClassVar[str] = "all candidates of every token but one"
    training: ClassVar[str] = "inserted parameters, on pairs of graded answers"
    source: ClassVar[str] = "2408.10764"
    summary: ClassVar[str] = "adds a reward to the logits of the likeliest tokens"
    weights: tuple[float, ...] = (1.0,)
    k: int = 10
    pairs: int = 4
    learning: PreferenceTraining = PreferenceTraining()  # noqa: RUF009  # frozen

    def recipes(self, context: Context, bench: LiveEvaluator) -> dict[str, Recipe]:
        return self._guided(context, bench, self.weights)

    def controls(self, context: Context, bench: LiveEvaluator) -> dict[str, Recipe]:
        return self._guided(context, bench, (0.0,))

    def _guided(
        self, context: Context, bench: LiveEvaluator, weights: Sequence[float]
    ) -> dict[str, Recipe]:
        stream = context.once(("otter", self), lambda: self.stream(context, bench))
        return {
            f"weight {weight:g}": Guided(RewardGuided(stream, weight, self.k)) for weight in weights
        }

    def stream(self, context: Context, bench: LiveEvaluator) -> RewardStream:
        """Train the stream on the fit split, or take it from the run's folder, where it is kept.

        Raises:
            Unavailable: if no problem has a right and a wrong answer, or the model is of a type
                beside which nothing can be inserted.
        """
        pairs = pairs_of(context.splits.fit, bench.reasoner.closing_ids(), self.pairs)
        if not pairs:
            raise Unavailable("no problem has right and wrong answers: record more problems")
        folder = None if bench.cache is None else bench.cache / "streams"
        try:
            return trained_stream(bench.reasoner.model, pairs, self.learning, folder)
        except UnsupportedType as why:
            raise Unavailable(str(why)) from why


def pairs_of(traces: Sequence[Trace], closing: Sequence[int], most: int) -> list[Pair]:
    """Pair right and wrong responses to each problem, at most ``most`` pairs of one."""
    responses: dict[str, tuple[list[list[int]], list[list[int]]]] = {}
    for trace in traces:
        wrong, right = responses.setdefault(trace.problem, ([], []))
        for ids, correct in _responses(trace, closing):
            (right if correct else wrong).append(ids)
    pairs = []
    for wrong, right in responses.values():
        every = [Pair(a, b) for a in right for b in wrong]
        step = max(1, len(every) // most)
        pairs += every[::step][:most]
    return pairs


def _responses(trace: Trace, closing: Sequence[int]) -> list[tuple[list[int], bool]]:
    """Return the full run and the forced answers of a trace, prompt in front, with their grades."""
    prompt, written = trace.prompt_ids.tolist(), trace.token_ids.tolist()
    found = [(prompt + written, trace.correct)]
    for c, position in enumerate(trace.cues.positions.tolist()):
        answer = trace.cues.answer_ids[c]
        forced = [*closing, *answer[answer >= 0].tolist()]
        found.append((prompt + written[: position + 1] + forced, bool(trace.cues.correct[c])))
    return found

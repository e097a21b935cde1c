"""Judge what layer exits wrote: depth, agreement, answers and wall-clock time."""

from collections.abc import Sequence
from dataclasses import dataclass

from probexit.exits.depth.controller import DepthController
from probexit.exits.depth.tuning.losses import AnswerDiffers
from probexit.experiments.depth.bench import DepthBench
from probexit.experiments.depth.race import PLAIN, Ran, Speed, baseline_of, race, speed
from probexit.experiments.recording.tasks.base import Item


@dataclass(frozen=True)
class DepthOutcome:
    """What a controller did on a set of problems, one prompt at a time.

    Attributes:
        depth: Mean layers run per token.
        same_text: Share of texts that are the full model's, token for token.
        same_answer: Share of answers that are.
        accuracy: Share of answers that are right.
        full_accuracy: The full model's.
        speed: Against plain decoding of the same loop.
        against_generate: Against plain ``model.generate``.
        tokens: Mean length of a text.
    """

    depth: float
    same_text: float
    same_answer: float
    accuracy: float
    full_accuracy: float
    speed: Speed
    against_generate: Speed
    tokens: float


def run(
    bench: DepthBench, controller: DepthController, items: Sequence[Item]
) -> tuple[DepthOutcome, dict[str, Ran]]:
    """Race a controller against the full model; return what came of it, and what was written."""
    done = race(bench, {"run": controller}, items)
    reference = baseline_of(controller.mode)
    return judge(bench, items, done["run"], (done[reference], done[PLAIN])), done


def judge(
    bench: DepthBench, items: Sequence[Item], ran: Ran, plain: tuple[Ran, Ran]
) -> DepthOutcome:
    """Compare a way of decoding with plain decoding in its own loop, and in ``generate``'s."""
    own, generate = plain
    pairs = list(zip(ran.texts, own.texts, strict=True))
    differs = AnswerDiffers(lambda _, tokens: bench.answer(tokens))
    return DepthOutcome(
        depth=ran.trace.mean_depth(),
        same_text=_share([a == b for a, b in pairs]),
        same_answer=_share([not differs(0, a, b) for a, b in pairs]),
        accuracy=_share([bench.right(i, t) for i, t in zip(items, ran.texts, strict=True)]),
        full_accuracy=_share([bench.right(i, t) for i, t in zip(items, own.texts, strict=True)]),
        speed=speed(ran, own),
        against_generate=speed(ran, generate),
        tokens=sum(len(text) for text in ran.texts) / len(ran.texts),
    )


def _share(flags: Sequence[bool]) -> float:
    return sum(flags) / len(flags)

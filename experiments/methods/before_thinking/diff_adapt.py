"""Budget and temperature by how hard the question looks (DiffAdapt, arXiv 2510.19669)."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

import torch

from probexit.exits.controller import ExitController
from probexit.exits.policies.never import Never
from probexit.exits.signals.position import Position
from probexit.exits.trace import Trace
from probexit.experiments.methods.core.base import MethodFamily, Unavailable
from probexit.experiments.methods.core.before_thinking import start_probe, start_states
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.live_rule import LiveRule
from probexit.experiments.methods.online.base import Recipe
from probexit.experiments.methods.online.intervention import InterventionRun
from probexit.experiments.methods.online.live_evaluator import LiveEvaluator
from probexit.experiments.methods.online.routing import Routed
from probexit.hooks.cues.paragraph import Paragraph


class QuestionDifficulty(StrEnum):
    """How hard a question is to this model."""

    EASY = "easy"
    NORMAL = "normal"
    HARD = "hard"


@dataclass(frozen=True)
class DiffAdapt(LiveRule):
    """Think within a budget and at a temperature that a probe on the question chooses.

    As in the paper, a probe on the last prompt token's state tells easy, normal and hard questions
    apart. There the classes come from the entropy of traces and their grades, and each has a prompt
    of its own; here from what the fit split's runs needed (see ``classes_of``); the prompt stays
    as it was recorded. The paper's temperatures and limits could not be verified: these are ours.

    Attributes:
        temperatures: Shares of the recording's temperature for easy, normal and hard questions.
        quantiles: Their budgets: at this quantile of the tokens that the fit split's needed. A hard
            question, which is seldom solved, gets what half of them took.
    """

    title: ClassVar[str] = "DiffAdapt"
    family: ClassVar[MethodFamily] = MethodFamily.ROUTING
    reads: ClassVar[str] = "last prompt token's hidden states"
    training: ClassVar[str] = "probe on how hard questions were"
    source: ClassVar[str] = "2510.19669"
    summary: ClassVar[str] = "budget and temperature by how hard the question looks"
    temperatures: tuple[float, float, float] = (0.5, 1.0, 0.5)
    quantiles: tuple[float, float, float] = (0.9, 0.9, 0.5)

    def recipes(self, context: Context, bench: LiveEvaluator) -> dict[str, Recipe]:
        fit, test = context.splits.fit, context.splits.test
        levels = classes_of(fit)
        treatments = {}
        for difficulty in sorted(set(levels)):
            own = [trace for trace, its in zip(fit, levels, strict=True) if its is difficulty]
            treatments[difficulty.value] = self._treatment(difficulty, own, bench)
        looks = self._looks(context, levels, test)
        routes = {
            trace.problem: difficulty.value for trace, difficulty in zip(test, looks, strict=True)
        }
        return {"": Routed(treatments, routes)}

    def _looks(
        self, context: Context, levels: Sequence[QuestionDifficulty], test: Sequence[Trace]
    ) -> list[QuestionDifficulty]:
        """Return how hard each test question looks: the likeliest of one-against-rest probes."""
        present = sorted(set(levels))
        if len(present) < 2:
            raise Unavailable(f"all questions are {present or 'missing'}: record other problems")
        probes = [
            start_probe(context, [each is difficulty for each in levels]) for difficulty in present
        ]
        if not test:
            return []
        states = start_states(test)
        best = torch.stack([probe.score(states) for probe in probes]).argmax(0)
        return [present[i] for i in best.tolist()]

    def _treatment(
        self, difficulty: QuestionDifficulty, own: Sequence[Trace], bench: LiveEvaluator
    ) -> InterventionRun:
        order = list(QuestionDifficulty).index(difficulty)
        reasoner, tokens = bench.reasoner, torch.tensor([needed(trace) for trace in own]).double()
        room = len(reasoner.closing_ids()) + reasoner.answer_tokens
        budget = int(tokens.quantile(self.quantiles[order]).ceil())
        controller = ExitController(
            cues=Paragraph(),
            signal=Position(),
            policy=Never(),
            tags=reasoner.tags,
            closing=reasoner.closing,
            answer_tokens=reasoner.answer_tokens,
            max_thinking=max(1, min(budget, bench.decoding.max_new_tokens - room)),
        )
        return InterventionRun(controller=controller, temperature=self.temperatures[order])


def needed(trace: Trace) -> int:
    """Return the thinking tokens after which a trace's answer was right for good; else all."""
    stays = trace.stays_right()
    return trace.thinking_at(int(stays.int().argmax()) if stays.any() else None)


def classes_of(traces: Sequence[Trace]) -> list[QuestionDifficulty]:
    """Return how hard each question was.

    Hard if it was not solved; easy if it needed no more thinking than half of the solved ones.
    """
    solved = torch.tensor([needed(trace) for trace in traces if trace.correct]).double()
    middle = float(solved.median()) if len(solved) else 0.0

    def difficulty(trace: Trace) -> QuestionDifficulty:
        if not trace.correct:
            return QuestionDifficulty.HARD
        return QuestionDifficulty.EASY if needed(trace) <= middle else QuestionDifficulty.NORMAL

    return [difficulty(trace) for trace in traces]

"""A recipe for each difficulty of question (DiffAdapt, arXiv 2510.19669)."""

from dataclasses import dataclass, replace
from typing import ClassVar

from probexit.exits.controller import ExitController
from probexit.exits.policies.never import Never
from probexit.exits.signals.position import Position
from probexit.experiments.methods.before_thinking.difficulty import (
    Boundaries,
    DifficultyProbe,
    QuestionDifficulty,
    labelled,
)
from probexit.experiments.methods.core.base import MethodFamily, Unavailable
from probexit.experiments.methods.core.before_thinking import start_of
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.live_rule import LiveRule
from probexit.experiments.methods.core.training import last_layer, recorded_layers
from probexit.experiments.methods.online.base import Recipe
from probexit.experiments.methods.online.intervention import InterventionRun
from probexit.experiments.methods.online.live_evaluator import LiveEvaluator
from probexit.experiments.methods.online.routing import Routed
from probexit.hooks.cues.paragraph import Paragraph


@dataclass(frozen=True)
class Strategy:
    """How questions of one difficulty are answered.

    Attributes:
        temperature: Sampling temperature.
        share: Share of the token limit that thinking and answer may take.
        instruction: What is added to the question.
    """

    temperature: float
    share: float
    instruction: str


STRATEGIES = {
    QuestionDifficulty.EASY: Strategy(0.5, 0.4, "Solve it directly, then verify the answer."),
    QuestionDifficulty.NORMAL: Strategy(0.8, 1.0, "Think step by step."),
    QuestionDifficulty.HARD: Strategy(
        0.4, 0.5, "Mind the budget: outline a method first, and give up early on what fails."
    ),
}


@dataclass(frozen=True)
class DiffAdapt(LiveRule):
    """A probe on the question chooses a prompt, a temperature and a limit on the tokens.

    As in the paper the classes come from the model's own runs: normal if a problem is mostly solved
    with low entropy, hard if it is hardly ever solved, easy otherwise (entropy is high on easy
    questions, lowest in between); a perceptron on the last prompt token's state at the last layer
    tells them apart. The temperatures and shares are the paper's, from a second source; its
    boundaries were not found: those of solving are ours, that of entropy is the fit split's median,
    and the prompts are paraphrased. With one recorded run a problem, solved means once.
    The instruction follows the question; what must be read anew for it is charged.
    The shipped reasoners were trained on no instructions and cannot follow them: the row without
    prompts leaves them out. "always normal" is the paper's baseline, without prompts too.
    """

    title: ClassVar[str] = "DiffAdapt"
    family: ClassVar[MethodFamily] = MethodFamily.ROUTING
    reads: ClassVar[str] = "last prompt token's hidden state"
    cost: ClassVar[str] = "reading the chosen prompt"
    training: ClassVar[str] = "perceptron on the difficulty of questions"
    source: ClassVar[str] = "2510.19669"
    summary: ClassVar[str] = "prompt, temperature and limit by how hard the question looks"
    boundaries: Boundaries = Boundaries()  # noqa: RUF009  # frozen

    def recipes(self, context: Context, bench: LiveEvaluator) -> dict[str, Recipe]:
        if not bench.decoding.temperature:
            raise Unavailable("it chooses temperatures: record at one above 0")
        return {"": Routed(_treatments(bench), self._routes(context))}

    def controls(self, context: Context, bench: LiveEvaluator) -> dict[str, Recipe]:
        routes = self._routes(context)
        bare = {level: replace(each, instruction="") for level, each in _treatments(bench).items()}
        normal = dict.fromkeys(routes, QuestionDifficulty.NORMAL)
        return {"without prompts": Routed(bare, routes), "always normal": Routed(bare, normal)}

    def _routes(self, context: Context) -> dict[str, QuestionDifficulty]:
        """Return how hard each test problem looks; asked once."""
        problems = [trace.problem for trace in context.splits.test]
        looks = context.once((self, "looks"), lambda: self.looks(context))
        return dict(zip(problems, looks, strict=True))

    def looks(self, context: Context) -> list[QuestionDifficulty]:
        """Return how hard each test question looks.

        Raises:
            Unavailable: if the fit split's questions are all of one difficulty.
        """
        fit, test = context.splits.fit, context.splits.test
        levels = labelled(fit, self.boundaries)
        present = sorted(set(levels.values()))
        if len(present) < 2:
            raise Unavailable(f"all questions are {present or 'missing'}: record other problems")
        layer = recorded_layers(context).index(last_layer(context)[0])
        one = {trace.problem: trace for trace in fit}.values()
        probe = DifficultyProbe().fit(
            [start_of(trace).hidden[0, layer] for trace in one],
            [levels[trace.problem] for trace in one],
        )
        return probe.of([start_of(trace).hidden[0, layer] for trace in test])


def _treatments(bench: LiveEvaluator) -> dict[str, InterventionRun]:
    return {level.value: _treatment(own, bench) for level, own in STRATEGIES.items()}


def _treatment(strategy: Strategy, bench: LiveEvaluator) -> InterventionRun:
    reasoner, limit = bench.reasoner, bench.decoding.max_new_tokens
    room = len(reasoner.closing_ids()) + reasoner.answer_tokens
    controller = ExitController(
        cues=Paragraph(),
        signal=Position(),
        policy=Never(),
        tags=reasoner.tags,
        closing=reasoner.closing,
        answer_tokens=reasoner.answer_tokens,
        max_thinking=max(1, round(strategy.share * limit) - room),
    )
    return InterventionRun(
        controller=controller,
        temperature=strategy.temperature / bench.decoding.temperature,
        instruction=strategy.instruction,
    )

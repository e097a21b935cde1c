"""What rules share that send a whole question to a small or to the recorded, large model."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from probexit.calibration.base import Array
from probexit.calibration.certificate import Certificate
from probexit.exits.engines.two_models.pair import weight
from probexit.exits.trace import Trace
from probexit.experiments.methods.core.base import Method, MethodFamily, Unavailable
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.live_certificate import drawn
from probexit.experiments.methods.core.live_rule import bench_of
from probexit.experiments.methods.core.outcome import Outcome
from probexit.experiments.methods.core.second_model import other_model
from probexit.experiments.methods.online.live_evaluator import LiveEvaluator
from probexit.experiments.methods.online.other_model import OtherModel
from probexit.experiments.methods.online.outcome import FreshOutcome, fresh_losses
from probexit.experiments.methods.online.result_store import Fresh
from probexit.experiments.risk_control.certify import LossTable


@dataclass(frozen=True)
class SmallModelRuns:
    """Fresh runs of the small model, on the problems of any traces.

    Attributes:
        bench: Generates, and keeps what came of it.
        recipes: One per sample of a problem.
    """

    bench: LiveEvaluator
    recipes: tuple[OtherModel, ...]

    def on(self, traces: Sequence[Trace], count: int | None = None) -> list[list[Fresh]]:
        """Return the first ``count`` samples of each problem, ``n`` lists; all if None."""
        first = self.recipes[:count]
        runs = [self.bench.measure(recipe, traces, "small model") for recipe in first]
        return [list(samples) for samples in zip(*runs, strict=True)]


@dataclass(frozen=True)
class RoutedModels(Method):
    """Answer with the small model where a score is high enough, else with the recorded model.

    The recorded model must be the larger of the two; its part is its recorded run. A threshold on
    the score is certified where ``context.fresh`` calibration problems are generated anew: what is
    lost is an answer that the large model had right.

    Attributes:
        samples: Samples of the small model for a problem.
    """

    family: ClassVar[MethodFamily] = MethodFamily.SWITCH
    replayed: ClassVar[bool] = False
    guarantee: ClassVar[str] = "risk at most alpha, where certified"
    samples: int = 1

    @property
    def deployed(self) -> int:
        """Samples of a problem that are drawn in deployment; all by default."""
        return self.samples

    @abstractmethod
    def scores(self, context: Context, runs: SmallModelRuns, traces: Sequence[Trace]) -> Array:
        """Return the score of each problem, ``[n]``; larger = likelier that the small one will do.

        Raises:
            Unavailable: if there is nothing to learn from.
        """

    @abstractmethod
    def answered(self, samples: Sequence[Fresh], small: bool) -> Fresh:
        """Return what the small model's samples come to, and cost, where it answers or not.

        Args:
            samples: Those of one problem.
            small: Whether the small model answers.
        """

    def points(self) -> dict[str, float]:
        """Return thresholds that are not certified, by their label; none by default."""
        return {}

    def outcomes(self, context: Context) -> list[Outcome]:
        runs, test = self._runs(context), context.splits.test
        scores = self.scores(context, runs, test)
        rows: list[Outcome] = [
            self._outcome(name, context, runs, test, scores >= threshold)
            for name, threshold in self.points().items()
        ]
        calibrate = drawn(context)
        if not calibrate:
            return rows
        found, tokens = self._certified(context, runs, calibrate)
        label = f"certified {100 * context.alpha:g} %"
        row = self._outcome(label, context, runs, test, scores >= found.threshold)
        return [
            *rows,
            replace(row, threshold=found.threshold, certificate=found, calibration=tokens),
        ]

    def _certified(
        self, context: Context, runs: SmallModelRuns, traces: Sequence[Trace]
    ) -> tuple[Certificate, int]:
        """Certify a threshold on calibration problems generated anew; say what that took."""
        grid = np.unique(self.scores(context, runs, context.splits.fit))[::-1].copy()
        scores = self.scores(context, runs, traces)
        fresh = [self.answered(samples, True) for samples in runs.on(traces, self.deployed)]
        lost = fresh_losses(fresh, traces, context.loss, runs.bench.task.same)
        losses: Array = np.where(scores[:, None] >= grid, lost[:, None], 0.0)
        problems = tuple(trace.problem for trace in traces)
        name = type(self).__module__.rpartition(".")[2]
        table = LossTable(problems, losses, torch.from_numpy(grid))
        tokens = sum(
            one.thinking + one.answer_tokens
            for samples in runs.on(traces, self.deployed)
            for one in samples
        )
        return context.certified_losses(name, context.alpha, table), tokens

    def _runs(self, context: Context) -> SmallModelRuns:
        bench = bench_of(context)
        other = other_model(context, bench)
        if weight(other.model) >= weight(bench.reasoner.model):
            raise Unavailable("the recorded model is the smaller one: record with the larger")
        recipes = tuple(OtherModel(other, sample) for sample in range(self.samples))
        return SmallModelRuns(bench, recipes)

    def _outcome(
        self,
        label: str,
        context: Context,
        runs: SmallModelRuns,
        traces: Sequence[Trace],
        small: NDArray[np.bool_],
    ) -> FreshOutcome:
        fresh = [
            self.answered(samples, True) if at else _by_large(trace, self.answered(samples, False))
            for trace, samples, at in zip(
                traces, runs.on(traces, self.deployed), small, strict=True
            )
        ]
        return FreshOutcome.of(label, fresh, traces, context.loss, runs.bench.task.same)


def _by_large(trace: Trace, asked: Fresh) -> Fresh:
    """Return the recorded run, charged with what the small model took before."""
    answer = len(trace.token_ids) - trace.begins - trace.thinking
    before = asked.thinking + asked.answer_tokens + asked.probing
    return Fresh(trace.problem, trace.answer, trace.correct, trace.thinking, answer, before)

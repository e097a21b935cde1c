"""The usual preset: a signal, a policy, and a threshold that is published or certified."""

from abc import abstractmethod
from dataclasses import dataclass

from torch import Tensor

from probexit.exits.policies.base import ExitPolicy
from probexit.exits.policies.threshold import Threshold
from probexit.exits.signals.base import Signal
from probexit.experiments.fitting.grids import policy_grid
from probexit.experiments.methods.core.base import Method, Unavailable
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.outcome import Outcome
from probexit.experiments.methods.core.threshold_sweep import Point, ThresholdSweep
from probexit.probes.one_thread import one_thread


@dataclass(frozen=True)
class ThresholdRule(Method):
    """Leave at the first cue where the policy is satisfied with the signal.

    A preset states its ``signal``; the rest has defaults.
    """

    @abstractmethod
    def signal(self, context: Context) -> Signal:
        """Make the signal, fitting it on ``context.splits.fit`` if it needs fitting.

        Once it is made, ``self.sweep(context).signal`` is the same one, not fitted again.
        """

    def policy(self, context: Context) -> ExitPolicy:
        """Return when to leave; its threshold is replaced."""
        return Threshold()

    def grid(self, context: Context, signal: Signal) -> Tensor:
        """Return the thresholds to certify among, ``[m]`` strict to lax."""
        policy = self.policy(context)
        return policy_grid(policy, [signal.scores(trace) for trace in context.splits.fit])

    def points(self, context: Context) -> dict[str, float]:
        """Return thresholds that are not certified, as published, by their label."""
        return {}

    def levels(self, context: Context) -> tuple[float, ...]:
        """Return the risks at which to certify a threshold."""
        return (context.alpha,)

    def sweep(self, context: Context) -> ThresholdSweep:
        return context.once(self, lambda: self._dial(context))

    def _dial(self, context: Context) -> ThresholdSweep:
        with one_thread():
            signal = self.signal(context)
        grid = self.grid(context, signal)
        if not len(grid):
            raise Unavailable("no trace of the fit split has a cue: record with other --cues")
        name = type(self).__module__.rpartition(".")[2]
        return ThresholdSweep(signal, self.policy(context), grid, name)

    def outcomes(self, context: Context) -> list[Outcome]:
        sweep = self.sweep(context)
        fixed = [Point(label, value) for label, value in self.points(context).items()]
        certified = [sweep.certified(context, alpha) for alpha in self.levels(context)]
        return sweep.outcomes(context.splits.test, [*fixed, *certified])

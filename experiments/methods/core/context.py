"""What every exit rule is given: the same traces, the same risk, the same accounting."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from torch import Tensor

from probexit.calibration.base import Calibrator, ConfidentCalibrator
from probexit.calibration.certificate import Certificate
from probexit.exits.signals.base import Signal
from probexit.exits.verifiers.base import Verifier
from probexit.exits.verifiers.stated_answer import StatedAnswer
from probexit.experiments.fitting.splits import Splits, require_one_each
from probexit.experiments.methods.core.accounting import ExitValues
from probexit.experiments.risk_control.calibrators import DELTA, make_calibrator
from probexit.experiments.risk_control.certify import LossTable
from probexit.experiments.risk_control.looks import Question, next_look
from probexit.experiments.risk_control.losses.base import Loss
from probexit.experiments.risk_control.losses.lost_correct import LostCorrect

if TYPE_CHECKING:
    from probexit.experiments.methods.online.live_evaluator import LiveEvaluator

T = TypeVar("T")


@dataclass(frozen=True)
class Context:
    """A run, as the rules under comparison see it.

    Attributes:
        splits: Traces to fit on, to calibrate on and to test on, disjoint by problem.
        probe: The fitted probe.
        grid: ``[m]`` thresholds of the probe, strict to lax, chosen without the calibration split.
        closing: Tokens that close the thinking and start the answer on an exit.
        alpha: The risk at which all rules are compared.
        delta: Chance that a certificate fails.
        loss: What the risk is the mean of.
        alphas: The risks at which our own rule is shown.
        seed: Seed of everything drawn.
        calibrator_name: How thresholds are certified, by name.
        looks: The run's log of looks: a row certifies at what the next look may spend, as
            `probexit calibrate` does. None counts no looks.
        loss_name: The loss, by name.
        probe_name: The probe, by name.
        among: Rules among which one will be taken: each is certified at its share of the error.
        verifier: Judges whether two steps come to the same, for the rules that ask one.
        second: Folder or hub id of a second model with the same tokenizer, for the rules that let
            two write; "" = the other shipped one.
        bench: Generates anew, for methods that cannot be replayed; None if none was asked for.
        fresh: Calibration problems that are generated anew to certify a rule that changes the text;
            0 certifies none of these.
    """

    splits: Splits
    probe: Signal
    grid: Tensor
    closing: int
    alpha: float = 0.05
    delta: float = DELTA
    loss: Loss = field(default_factory=LostCorrect)
    alphas: tuple[float, ...] = (0.02, 0.05, 0.1)
    seed: int = 0
    calibrator_name: str = "learn_then_test"
    looks: Path | None = None
    loss_name: str = "lost_correct"
    probe_name: str = "probe"
    among: int = 1
    verifier: Verifier = field(default_factory=StatedAnswer)
    second: str = ""
    bench: "LiveEvaluator | None" = None
    fresh: int = 0
    _made: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def exit_values(self) -> ExitValues:
        """What leaving each test trace at each place gives and costs."""
        return ExitValues.of(self.splits.test, self.closing, self.loss)

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """Make something when first asked for it by this key; the same thing after that.

        So what a rule fits serves its rows, its curve and other rules. ``dataclasses.replace``
        forgets all of it, as it must.
        """
        if key not in self._made:
            self._made[key] = make()
        found: T = self._made[key]
        return found

    def calibrator(self, alpha: float) -> Calibrator:
        """Make the calibrator that certifies every rule at risk ``alpha``."""
        made = make_calibrator(self.calibrator_name, alpha)
        if isinstance(made, ConfidentCalibrator):
            made = replace(made, delta=self.delta)
        return made.one_of(self.among)

    def certified(self, name: str, alpha: float, exits: Tensor, grid: Tensor) -> Certificate:
        """Certify a rule from where it leaves the calibration traces.

        Args:
            name: The rule.
            alpha: The risk that must not be exceeded.
            exits: ``[n, m]`` cue index or ``NO_EXIT``.
            grid: ``[m]`` thresholds, strictly decreasing, chosen without these traces.
        """
        traces = self.splits.calibrate
        require_one_each(traces)
        problems = tuple(trace.problem for trace in traces)
        return self.certified_losses(
            name, alpha, LossTable(problems, self.loss.table(traces, exits), grid)
        )

    def certified_losses(self, name: str, alpha: float, table: LossTable) -> Certificate:
        """Certify a rule from what it loses on calibration problems, ``[n, m]``; see above."""
        rule = self.probe_name if name == "probe" else name
        question = Question(rule, self.loss_name, alpha)
        ask = None if self.looks is None else partial(next_look, self.looks, question)
        return table.certify(self.calibrator(alpha), ask)

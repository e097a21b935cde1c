"""Answer only if sure enough, at the exit or at the end (arXiv 2502.13962)."""

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from probexit.calibration.metrics.risk_coverage import RiskCoverage
from probexit.calibration.selective import SelectiveRisk
from probexit.exits.policies.threshold import Threshold
from probexit.exits.replay import NO_EXIT
from probexit.exits.trace import Trace
from probexit.experiments.fitting.splits import Splits
from probexit.experiments.methods.core.base import Method, MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.outcome import AbstainingOutcome, Outcome
from probexit.experiments.methods.core.threshold_sweep import ThresholdSweep
from probexit.experiments.risk_control.abstention import Answers, Confidence, last_score


@dataclass(frozen=True)
class SelectiveAnswering(Method):
    """Give the answer if its tokens are likely enough, else abstain; how likely is certified.

    The paper shows fixed thresholds; here at most a share alpha of the answers *given* is wrong,
    with confidence 1 - delta. Either the full run is judged, or the answer where the certified
    probe leaves: then one half of the calibration problems certifies the exit and the other half
    the abstention at that exit, each with delta / 2, so that both promises hold together. There
    the probe's own score is shown as a confidence too, which is not the paper's. The table's
    accuracy counts an abstention as not right, its loss as nothing lost.
    """

    title: ClassVar[str] = "selective answering"
    family: ClassVar[MethodFamily] = MethodFamily.ABSTAIN
    reads: ClassVar[str] = "probabilities of the answer, or the probe's score"
    training: ClassVar[str] = "probe on graded forced exits, for the exit"
    guarantee: ClassVar[str] = "at most alpha of the answers given are wrong, confidence 1 - delta"
    source: ClassVar[str] = "2502.13962"
    summary: ClassVar[str] = "abstains unless the answer's tokens are likely"

    def outcomes(self, context: Context) -> list[Outcome]:
        level = f"{100 * context.alpha:g} %"
        traces = context.splits.calibrate
        first, second = _halves(traces)
        never = ThresholdSweep(context.probe, Threshold(), torch.tensor([torch.inf]))
        half = replace(
            context,
            splits=Splits(context.splits.fit, first, context.splits.test),
            delta=context.delta / 2,
        )
        return [
            _outcome(f"full run, {level}", context, never, traces),
            _outcome(f"probe exit, {level}", half, _exit(half), second),
            _outcome(
                f"probe's score, {level}", half, _exit(half), second, last_score(context.probe)
            ),
        ]

    def curves(self, context: Context) -> dict[str, RiskCoverage]:
        """Return the risk among the surest answers of the test traces, by where they are given."""
        test = context.splits.test
        probe = ThresholdSweep(context.probe, Threshold(), context.grid)
        point = probe.certified(context, context.alpha)
        ends = torch.full((len(test),), NO_EXIT)
        left = probe.exits(test, torch.tensor([point.threshold], dtype=torch.float64))[:, 0]
        return {
            "full run": Answers.at(test, ends).curve(),
            "where the probe leaves": Answers.at(test, left).curve(),
        }


def _halves(traces: list[Trace]) -> tuple[list[Trace], list[Trace]]:
    """Deal the problems out in turn, in the order of their names."""
    problems = sorted({trace.problem for trace in traces})
    first = set(problems[::2])
    return (
        [trace for trace in traces if trace.problem in first],
        [trace for trace in traces if trace.problem not in first],
    )


def _exit(context: Context) -> ThresholdSweep:
    """Return the probe's rule with its certified threshold alone."""
    sweep = ThresholdSweep(context.probe, Threshold(), context.grid)
    point = sweep.certified(context, context.alpha)
    return replace(sweep, grid=torch.tensor([point.threshold], dtype=torch.float64))


def _outcome(
    label: str,
    context: Context,
    sweep: ThresholdSweep,
    calibrate: list[Trace],
    confidence: Confidence | None = None,
) -> AbstainingOutcome:
    """Certify from which confidence on to answer where ``sweep`` leaves, and do so."""

    def answers(traces: list[Trace]) -> Answers:
        return Answers.at(traces, _left(sweep, traces), confidence)

    rule = SelectiveRisk(context.alpha, context.delta)
    fit, held_out = answers(context.splits.fit), answers(_one_each(calibrate))
    order = rule.order(fit.confidences, fit.wrong)
    found = rule.certify(held_out.confidences, held_out.wrong, order)
    test = context.splits.test
    given = torch.from_numpy(answers(test).confidences >= found.threshold)
    exits = _left(sweep, test)
    outcome = AbstainingOutcome(
        label, exits, torch.zeros_like(exits), found.threshold, found, answered=given
    )
    told = f"{found.statement} It answers {outcome.coverage:.0%} of the test problems."
    return replace(outcome, certificate=replace(found, statement=told), note=told)


def _left(sweep: ThresholdSweep, traces: list[Trace]) -> Tensor:
    return sweep.exits(traces, sweep.grid)[:, 0]


def _one_each(traces: list[Trace]) -> list[Trace]:
    """Keep one trace of each problem: answers to one problem are not independent."""
    return list({trace.problem: trace for trace in reversed(traces)}.values())

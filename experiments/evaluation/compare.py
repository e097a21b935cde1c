"""Apply every exit rule to the same traces and measure them the same way."""

from collections.abc import Mapping, Sequence

import numpy as np

from probexit.experiments.evaluation.choice import chosen
from probexit.experiments.evaluation.curve import Curve
from probexit.experiments.evaluation.metrics import Metrics
from probexit.experiments.evaluation.results import AtEqualRisk, Comparison, ResultRow
from probexit.experiments.methods.core.base import Method, Unavailable
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.outcome import Outcome

OURS = "probe"  # the rule at whose observed risk the others are compared


def compare(context: Context, methods: Mapping[str, Method] | None = None) -> Comparison:
    """Compare exit rules on the test split.

    Args:
        context: The traces and the common risk.
        methods: Rules by name, in the table's order; one of each kind if None.

    Raises:
        ValueError: if there are no test traces.
    """
    traces = context.splits.test
    ruler = Metrics.of(traces, context.exit_values)
    rows: list[ResultRow] = []
    curves: dict[str, Curve] = {}
    skipped: dict[str, str] = {}
    for name, method in (chosen("core") if methods is None else methods).items():
        try:
            outcomes, sweep = method.outcomes(context), method.sweep(context)
        except Unavailable as why:
            skipped[method.title] = str(why)
            continue
        rows += [_row(name, method, outcome, context, ruler) for outcome in outcomes]
        if sweep is not None:
            trace_results = sweep.trace_results(traces, context.exit_values)
            curves[method.title] = Curve.of(sweep.grid.double().numpy(), trace_results, ruler)
    return Comparison(
        rows=tuple(rows),
        curves=curves,
        equal_risk=_at_equal_risk(rows, curves, context.alpha),
        skipped=skipped,
        problems=len(ruler.problems),
        calibration=len({trace.problem for trace in context.splits.calibrate}),
        alpha=context.alpha,
        delta=context.delta,
        loss=type(context.loss).__module__.rpartition(".")[2],
        traces=tuple(trace.problem for trace in traces),
        together=context.among > 1,
    )


def _row(
    name: str, method: Method, outcome: Outcome, context: Context, ruler: Metrics
) -> ResultRow:
    certificate = outcome.certificate
    promise = certificate.statement if certificate else outcome.note or method.guarantee
    return ResultRow(
        method=name,
        title=method.title,
        label=outcome.label,
        family=method.family.value,
        deployable=method.deployable,
        live=outcome.live,
        threshold=outcome.threshold,
        promised=certificate.alpha if certificate and certificate.certified else None,
        statement=promise,
        exited=outcome.exited,
        measures=ruler.measure(outcome.trace_results(context.exit_values)),
        exits=tuple(outcome.exits.tolist()),
        calibration=outcome.calibration,
    )


def _at_equal_risk(
    rows: Sequence[ResultRow], curves: Mapping[str, Curve], alpha: float
) -> tuple[AtEqualRisk, ...]:
    """Turn every dial to the observed risk of our rule at ``alpha``."""
    ours = [row for row in rows if row.method == OURS and row.promised == alpha]
    if not ours:
        return ()
    risk, found = ours[0].measures.risk.estimate, []
    for title, curve in curves.items():
        own = int(np.argmax(curve.thresholds == ours[0].threshold))
        best = own if title == ours[0].title else curve.at_risk(risk)
        found.append(_point(title, curve, best))
    return tuple(sorted(found, key=lambda point: -point.saved))


def _point(title: str, curve: Curve, at: int | None) -> AtEqualRisk:
    if at is None:
        return AtEqualRisk(title, None, float("nan"), 0.0, 0.0)
    bands = (curve.risk, curve.saved, curve.saved_total)
    risk, saved, total = (float(band.estimate[at]) for band in bands)
    return AtEqualRisk(title, float(curve.thresholds[at]), risk, saved, total)

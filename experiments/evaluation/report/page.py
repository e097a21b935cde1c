"""Write ``report.html``: one file, no network, fit to print; all that others wrote is escaped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from probexit.exits.replay import NO_EXIT
from probexit.experiments.evaluation.figures.painted import Decode, paint, pieces
from probexit.experiments.evaluation.render import wording
from probexit.experiments.evaluation.render.html import as_html
from probexit.experiments.evaluation.report.figures import Picture
from probexit.experiments.evaluation.results import Comparison, ResultRow
from probexit.experiments.methods.core.context import Context

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
)
SHOWN = ("probe", "trial_confidence", "oracle")  # rules whose exits are marked in the examples


@dataclass(frozen=True)
class Report:
    """What a report is made of.

    Attributes:
        title: Its heading.
        recorded: What was recorded, as name and value.
        comparison: The table.
        pictures: The figures.
        examples: Painted traces, as HTML.
        viewer: Every trace, as a part of the page; "" leaves it out.
    """

    title: str
    recorded: Mapping[str, str]
    comparison: Comparison
    pictures: Sequence[Picture]
    examples: Sequence[str]
    viewer: Markup = field(default_factory=Markup)

    def html(self) -> str:
        """Return the page."""
        ours = [row for row in self.comparison.rows if row.method == "probe"]
        return TEMPLATES.get_template("report.jinja").render(
            report=self,
            words=wording,
            ours=ours,
            # made by our own templates, which escape what they are given
            table=Markup(as_html(self.comparison)),
            viewer=self.viewer,
            examples=[Markup(example) for example in self.examples],
        )

    def write(self, file: Path) -> Path:
        """Write the page to a file."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(self.html(), encoding="utf-8")
        return file


def describe(context: Context) -> dict[str, str]:
    """Say what was recorded, from the traces themselves: the rollouts that the splits use."""
    splits = context.splits
    traces = [*splits.fit, *splits.calibrate, *splits.test]
    n, fitted = len(traces), len({trace.problem for trace in splits.fit})
    cues = [len(trace.cues) for trace in traces]
    return {
        "problems": f"{fitted} to fit the probe, {len(splits.calibrate)} to calibrate, "
        f"{len(splits.test)} to test",
        "full run right": f"{sum(trace.correct for trace in traces) / n:.1%}",
        "thinking tokens": f"{sum(trace.thinking for trace in traces) / n:.0f} on average",
        "cues": f"{sum(cues) / n:.1f} per trace; {cues.count(0)} traces have none",
        "cut off unfinished": f"{sum(not trace.finished for trace in traces) / n:.1%}",
    }


def examples(context: Context, comparison: Comparison, decode: Decode, count: int = 4) -> list[str]:
    """Paint a few test traces with the probe's score and mark where rules left them.

    They are chosen to differ: where our rule saves most and keeps the answer, where it loses one,
    where it gains one, and where it thinks to the end.
    """
    rows = [row for name in SHOWN for row in _shown(comparison, name)]
    painted = []
    for i in _choose(context, rows[0], count) if rows else []:
        trace = context.splits.test[i]
        left = {row.title: row.exits[i] for row in rows}
        painted.append(paint(trace, pieces(trace, context.probe.scores(trace), left, decode)))
    return painted


def _shown(comparison: Comparison, method: str) -> list[ResultRow]:
    """Return the row of a method at the common risk, else its last; none if it has none."""
    rows = [row for row in comparison.rows if row.method == method]
    return ([row for row in rows if row.promised == comparison.alpha] or rows)[-1:]


def _choose(context: Context, row: ResultRow, count: int) -> list[int]:
    """Take one trace of each kind: the one in the middle by what was saved, not the best."""
    trace_results, full = (
        context.exit_values.trace_results(np.array(row.exits)),
        context.exit_values.columns[:, :, NO_EXIT],
    )
    right, saved = trace_results.correct == 1, full[2] - trace_results.thinking
    was_right = full[0] == 1
    kinds = (right & was_right & (saved > 0), was_right & ~right, right & ~was_right, saved == 0)
    found = [np.flatnonzero(kind) for kind in kinds]
    ordered = [kind[np.argsort(-saved[kind], kind="stable")] for kind in found if len(kind)]
    return [int(kind[len(kind) // 2]) for kind in ordered][:count]

"""The figures of a report, each with a caption for someone who has not seen one before."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from matplotlib.figure import Figure

from probexit.calibration.metrics.reliability import reliability_diagram
from probexit.experiments.evaluation.difficulty import by_difficulty
from probexit.experiments.evaluation.figures import (
    accuracy_tokens,
    difficulty,
    frontier,
    layers,
    reliability,
    risk,
    risk_levels,
    style,
)
from probexit.experiments.evaluation.layers import LayerMap
from probexit.experiments.evaluation.results import Comparison
from probexit.experiments.evaluation.risk_levels import by_level
from probexit.experiments.fitting.targets import cue_table
from probexit.experiments.methods.core.context import Context


@dataclass(frozen=True)
class Picture:
    """A rendered figure.

    Attributes:
        name: File name without its ending.
        title: What it shows.
        caption: How to read it.
        png: The image.
        width: On a page, in pixels of 1/96 inch.
    """

    name: str
    title: str
    caption: str
    png: bytes
    width: int

    @property
    def data_uri(self) -> str:
        """The image, to stand inside a page."""
        return "data:image/png;base64," + base64.b64encode(self.png).decode("ascii")

    def save(self, folder: Path) -> Path:
        """Write ``name.png`` into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{self.name}.png"
        file.write_bytes(self.png)
        return file


def pictures(
    context: Context, comparison: Comparison, layer_map: LayerMap | None = None
) -> list[Picture]:
    """Draw all figures of a run; the layer map only if one was measured."""
    return [
        Picture(name, *_TEXTS[name], style.png(figure), round(96 * figure.get_figwidth()))
        for name, figure in _figures(context, comparison, layer_map)
    ]


def _figures(
    context: Context, comparison: Comparison, layer_map: LayerMap | None
) -> Iterator[tuple[str, Figure]]:
    yield "accuracy_tokens", accuracy_tokens.draw(comparison)
    yield "frontier", frontier.draw(comparison)
    yield "risk", risk.draw(comparison)
    yield "risk_levels", risk_levels.draw(by_level(context))
    traces = [trace for trace in context.splits.test if len(trace.cues)]
    if traces:
        table = cue_table(traces, "correct")
        scores = torch.cat([context.probe.scores(trace) for trace in traces])
        diagram = reliability_diagram(scores.numpy(), table.labels.numpy(), table.groups.numpy())
        yield "reliability", reliability.draw(diagram)
        ours = [row for row in comparison.rows if row.method == "probe"]
        for row in [row for row in ours if row.promised == comparison.alpha][:1]:
            yield "difficulty", difficulty.draw(by_difficulty(context, row.exits), row.promised)
    if layer_map is not None:
        yield "layers", layers.draw(layer_map)


_TEXTS = {
    "accuracy_tokens": (
        "Accuracy against tokens",
        "Each mark is one rule: how many answers it got right, and how many tokens it paid for per "
        "problem, everything counted. Up and to the left is better. Whiskers are 95 % intervals. "
        "Filled marks carry a certified risk, hollow ones do not. The grey line is the full run. "
        "Rules on the lower edge are further down than the figure goes.",
    ),
    "frontier": (
        "What each rule saves, and what it loses",
        "Turning a rule's threshold moves it along its curve: it stops sooner, saves more and "
        "loses more answers. Lower and further right is better; bands are 95 % intervals. Filled "
        "marks are the thresholds that were certified on other problems, with the risk promised. "
        "The star is the oracle, which knows when the answer is right. At the right the tokens "
        "that a rule decodes only to decide are charged to it, so a rule that keeps asking for "
        "trial answers can cost more than it saves.",
    ),
    "risk": (
        "Promised and observed risk",
        "The shaded bar ends at the risk that was promised; the mark is the risk seen on the test "
        "problems, with its 95 % interval. The promise is about all problems of this kind, of "
        "which these are a sample: what would speak against it is an interval wholly beyond the "
        "black line. Hollow marks promised nothing about problems.",
    ),
    "risk_levels": (
        "Risk against level",
        "Our rule, certified at every level by itself: across, the risk that was allowed; up, what "
        "came on the test problems, with 95 % intervals over problems. A curve along the dashed "
        "line uses what it may; one well below it was certified on few problems, or has nothing "
        "left to gain. Flat parts share one threshold; at nought nothing could be certified. "
        "Choose a level before looking here: one chosen by this figure promises nothing.",
    ),
    "difficulty": (
        "Where our rule saves, and where it loses",
        "Test problems in four parts, from those that the full run thought shortest about to the "
        "longest. Whiskers are 95 % intervals over problems. The promise is about all problems "
        "together: a single part may lie above it.",
    ),
    "reliability": (
        "Does the probe mean what it says?",
        "Cues are sorted by the probe's score. If it says 80 %, stopping should be right in 80 % "
        "of them: the curve should follow the dashed line. The band is a 95 % interval over "
        "problems. Below: how many cues have such a score. The certificate does not rely on this.",
    ),
    "layers": (
        "Where and when rightness can be read",
        "How well a probe on one layer tells right cues from wrong ones on new problems: 0.5 is "
        "guessing, 1 is perfect (AUROC). Across: the first cue of the thinking, the second, and so "
        "on; a dash where too few problems have one of each. At the right: all cues together.",
    ),
}

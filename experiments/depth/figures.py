"""Figures of layer exits: where tokens leave, what agreement costs, and a text painted by depth."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from matplotlib.figure import Figure

from probexit.exits.depth.trace import DepthTrace
from probexit.exits.depth.tuning.adapt import Feedback
from probexit.experiments.evaluation.figures import style

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
)

LINES = ("-", "--", ":")


def exit_histogram(trace: DepthTrace, depth: int) -> Figure:
    """Draw how many layers ran for each decoded token of a trace, out of ``depth``.

    Raises:
        ValueError: if the trace holds no token.
    """
    rows = len(trace.steps[0].depths) if trace.steps else 1
    counts = Counter(layers for row in range(rows) for layers in trace.row(row))
    if not counts:
        raise ValueError("the trace holds no token: decode something while it is attached")
    total = sum(counts.values())
    figure, (axes,) = style.canvas(5, 3)
    layers = range(1, depth + 1)
    axes.bar(layers, [100 * counts[n] / total for n in layers], color=style.BLUE)
    axes.set_xticks(list(layers))
    axes.set_xlabel(f"layers run, of {depth}")
    axes.set_ylabel("% of tokens")
    return figure


def agreement_against_depth(rules: dict[str, Feedback]) -> Figure:
    """Draw, per rule, the share of tokens that stay the full model's against the layers they run.

    Each curve is one rule over its thresholds, on recorded tokens; further up and left is better.
    """
    figure, (axes,) = style.canvas(6, 4)
    for i, (name, feedback) in enumerate(rules.items()):
        scores = sorted(set(feedback.scores.flatten().tolist()))
        grid = [*scores[:: max(1, len(scores) // 60)], float("inf")]
        points = [feedback.at(threshold) for threshold in grid]
        agreement, depths = zip(*points, strict=True)
        line = LINES[i // 10 % len(LINES)]  # ten colours, then another line
        axes.plot(depths, [100 * right for right in agreement], line, label=name)
    axes.set_xlabel("layers run per token")
    axes.set_ylabel("% of tokens as the full model's")
    axes.legend(fontsize=8, frameon=False)
    return figure


def heat_map(
    tokens: Sequence[int], depths: Sequence[int], depth: int, decode: Callable[[list[int]], str]
) -> str:
    """Return HTML: a text, each token the darker the more layers it ran.

    Args:
        tokens: ``[t]`` of the continuation.
        depths: ``[t]`` layers that ran to write each.
        depth: Depth of the model.
        decode: Turns token ids into text.

    Raises:
        ValueError: if there is not one depth per token.
    """
    if len(tokens) != len(depths):
        raise ValueError(f"{len(tokens)} tokens but {len(depths)} depths: give one for each")
    pieces, written = [], 0
    for i, ran in enumerate(depths):
        # Cut from the decoded whole: a character may span several tokens.
        text = decode(list(tokens[: i + 1]))
        pieces.append({"text": text[written:], "shade": round(100 * ran / depth), "ran": ran})
        written = len(text)
    return TEMPLATES.get_template("heat_map.jinja").render(pieces=pieces, depth=depth)

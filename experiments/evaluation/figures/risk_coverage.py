"""Risk against coverage: how many answers are wrong as fewer and fewer are given."""

from collections.abc import Mapping

from matplotlib.figure import Figure

from probexit.calibration.metrics.risk_coverage import RiskCoverage
from probexit.experiments.evaluation.figures import style

_LINES = ((style.INK, "-"), (style.BLUE, (0, (5, 2))), (style.VERMILLION, (0, (1, 1.5))))


def draw(curves: Mapping[str, RiskCoverage], alpha: float) -> Figure:
    """Draw the share of wrong answers among the surest, over the share that is answered.

    Lower is better; bands are 95 % intervals over problems.

    Args:
        curves: By where the answers are given, at most three.
        alpha: The risk that is asked for, drawn as a line.
    """
    figure, (axes,) = style.canvas(6.5, 4.2)
    for (name, curve), (colour, line) in zip(curves.items(), _LINES, strict=False):
        x = 100 * curve.coverage
        axes.fill_between(x, 100 * curve.low, 100 * curve.high, color=colour, alpha=0.12, lw=0)
        label = f"{name} (mean risk {100 * curve.area:.1f} %)"
        axes.plot(x, 100 * curve.risk, color=colour, linestyle=line, linewidth=1.6, label=label)
    axes.axhline(100 * alpha, color=style.FAINT, linewidth=1)
    axes.annotate(
        f"asked for: {100 * alpha:g} %",
        (0, 100 * alpha),
        (4, 3),
        textcoords="offset points",
        fontsize=8,
        color=style.FAINT,
    )
    axes.set_xlim(0, 100)
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(0, 0.97))
    style.label(axes, "problems answered, surest first, %", "wrong among the answers given, %")
    return figure

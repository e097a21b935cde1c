"""How numbers of the comparison are written, the same in every medium."""

import math

from probexit.calibration.statistics.intervals import Interval
from probexit.experiments.evaluation.results import Comparison, ResultRow

LOSSES = {
    "lost_correct": "a right answer of the full run is lost",
    "wrong_at_exit": "the answer at an exit is wrong",
    "inconsistent": "the answer differs from the full run's",
    "before_first_correct": "the exit comes before the answer was first right",
}


def percent(interval: Interval, sign: str = "") -> str:
    """Write a share with its bounds, in percent; the unit is left to the heading."""
    low, high = (_finite(100 * bound, f"{sign}.1f") for bound in (interval.low, interval.high))
    return f"{_finite(100 * interval.estimate, f'{sign}.1f')} [{low}, {high}]"


def share(value: float, form: str = ".0f") -> str:
    """Write a share without its bounds."""
    return _finite(100 * value, form, " %")


def points(value: float) -> str:
    """Write a difference of shares in points, without its bounds."""
    return _finite(100 * value, "+.1f")


def tokens(value: float) -> str:
    """Write a number of tokens: a tenth counts where there are few."""
    return _finite(value, ".1f" if value < 1000 else ",.0f")


def threshold(row: ResultRow) -> str:
    """Write a threshold; "never" if nothing could be certified."""
    if row.threshold is None:
        return "-"
    return "never" if row.threshold == math.inf else f"{row.threshold:.4g}"


def promise(row: ResultRow) -> str:
    """Write the certified risk."""
    return "-" if row.promised is None else f"{100 * row.promised:g} %"


def loss(comparison: Comparison) -> str:
    """Say in words what is lost."""
    return LOSSES.get(comparison.loss, comparison.loss.replace("_", " "))


def notes(comparison: Comparison) -> list[str]:
    """Explain the columns, and what is missing, in sentences."""
    found = [
        f"{comparison.problems} test problems, {comparison.calibration} others to calibrate on. "
        "In brackets: 95 % intervals over problems.",
        "change: accuracy minus the full run's, on the same problems. "
        "total: thinking, the tokens decoded only to decide, the closing text and the answer.",
        "oracle's saving: thinking saved, as a share of what leaving at the earliest right cue "
        "would save; over 100 % only by also leaving where no answer was right yet.",
        "regret: accuracy that exits chosen by their grades would have at as many tokens, minus "
        "the rule's own.",
        f"risk: share of problems where {loss(comparison)}. promised: the rule's certified limit, "
        f"with confidence {100 * (1 - comparison.delta):g} % over the calibration problems. "
        "if solved: the observed risk among problems that the full run solves.",
    ]
    certified = [row for row in comparison.rows if row.promised is not None]
    found += [
        f"{row.name}: among problems that the full run solves, the observed risk is "
        f"{percent(row.measures.risk_solved)} %."
        for row in certified
        if math.isfinite(row.measures.risk_solved.estimate)
    ]
    if comparison.together:
        found.append(
            "Each rule was certified at its share of the error: whichever is taken, the promise at "
            "one level holds."
        )
    elif len(certified) > 1:
        found.append(
            f"The {len(certified)} promises hold each on its own: whoever picks the best of the "
            "table has not that confidence in it."
        )
    for row in comparison.rows:
        if row.threshold == math.inf:
            found.append(f"{row.name}: {row.statement}")
    if any(row.live for row in comparison.rows):
        found.append("* generated anew on the same problems, since it changes the text.")
    found += live_notes(comparison)
    found += [f"{title}: left out, since {why}" for title, why in comparison.skipped.items()]
    return found


def calibration(row: ResultRow) -> str:
    """Write the tokens generated only to certify a row."""
    return tokens(row.calibration) if row.calibration else "-"


def live_notes(comparison: Comparison) -> list[str]:
    """Say what live rules lose by chance, and what certifying each took."""
    spent = [_calibrated(row, comparison) for row in comparison.rows if row.calibration]
    return [*_noise_floor(comparison), *spent]


def _calibrated(row: ResultRow, comparison: Comparison) -> str:
    """Say what certifying a live rule cost, and after how many problems it has paid."""
    spent = f"{row.name}: certifying it generated {tokens(row.calibration)} tokens anew"
    full = next((r for r in comparison.rows if r.method == "full_run"), None)
    saved = full.measures.total.estimate - row.measures.total.estimate if full else 0.0
    if not saved > 0:
        return f"{spent}, which it does not earn back."
    return f"{spent}, which it saves on {math.ceil(row.calibration / saved):,} problems."


def _noise_floor(comparison: Comparison) -> list[str]:
    """Say what a live rule loses by chance: another run of the same problem is another run."""
    return [
        f"{row.title}: with no rule at all, another sample loses {percent(row.measures.risk)} % of "
        "the problems that the recorded run is held to; as much of a live rule's risk is chance."
        for row in comparison.rows
        if row.method == "full_run_again"
    ]


def _finite(value: float, form: str, unit: str = "") -> str:
    return "-" if not math.isfinite(value) else format(value, form) + unit

"""What a comparison says, in plain sentences: computed from the table, never written by hand."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from probexit.experiments.evaluation.frontier import kind_of
from probexit.experiments.evaluation.render import wording
from probexit.experiments.evaluation.results import Comparison, ResultRow
from probexit.experiments.methods.core.base import MethodFamily


@dataclass(frozen=True)
class Ranking:
    """The rules that kept to the common risk, best first by the share of all tokens saved.

    Attributes:
        kept: One row per rule: its best operating point that keeps to the common risk (see
            ``keeps``) and saves tokens.
        lost: Rules without such an operating point.
    """

    kept: tuple[ResultRow, ...]
    lost: tuple[str, ...]

    @classmethod
    def of(cls, comparison: Comparison) -> "Ranking":
        """Rank the rules of a table; bounds and the full run are not ranked.

        Nor are rules that may abstain: an answer that is not given is not lost in the same sense.
        """
        rows = [row for row in comparison.rows if row.deployable and kind_of(row) != "reference"]
        rows = [row for row in rows if row.family != MethodFamily.ABSTAIN]
        best: dict[str, ResultRow] = {}
        for row in sorted(rows, key=_saving, reverse=True):
            if keeps(row, comparison.alpha) and _saving(row) > 0:
                best.setdefault(row.method, row)
        titles = dict.fromkeys(row.title for row in rows if row.method not in best)
        return cls(tuple(best.values()), tuple(titles))

    def ties(self) -> tuple[ResultRow, ...]:
        """Return those behind the best whose saving these problems cannot tell from its own."""
        if not self.kept:
            return ()
        least = self.kept[0].measures.saved_total.low
        return tuple(row for row in self.kept[1:] if row.measures.saved_total.high >= least)

    def by_family(self) -> dict[str, tuple[int, ResultRow]]:
        """Return the best of each family with its rank, from 1."""
        found: dict[str, tuple[int, ResultRow]] = {}
        for rank, row in enumerate(self.kept, 1):
            found.setdefault(row.family, (rank, row))
        return found


def keeps(row: ResultRow, alpha: float) -> bool:
    """Tell whether an operating point keeps to a risk.

    Either it was certified at that risk or a lower one, on other problems, and what is observed
    does not contradict it; or nothing was promised, and the whole 95 % interval observed is below.
    """
    if row.promised is not None and row.promised <= alpha:
        return row.measures.risk.low <= alpha
    return row.measures.risk.high < alpha


def sentences(comparison: Comparison) -> list[str]:
    """Say who wins, who is not worse, and what is best in each family."""
    ranking, limit = Ranking.of(comparison), f"{100 * comparison.alpha:g} %"
    found = (
        _winners(ranking, limit)
        if ranking.kept
        else [
            f"On these {comparison.problems} problems no rule both saves tokens and keeps to a "
            f"risk of {limit}."
        ]
    )
    if ranking.kept and ranking.lost:
        found.append(
            f"Without an operating point that keeps to {limit} and saves tokens: "
            f"{', '.join(ranking.lost)}."
        )
    return [*found, *_at_the_same_promise(comparison), *_as_published(comparison)]


def _winners(ranking: Ranking, limit: str) -> list[str]:
    first, ties = ranking.kept[0], ranking.ties()
    found = [
        f"**{first.name}** saves most: {saving(first)} of all tokens "
        f"({wording.share(first.measures.saved.estimate)} of the thinking), among those that keep "
        f"to {limit}. Its observed risk was "
        f"{wording.percent(first.measures.risk)} %, its accuracy changed by "
        f"{wording.percent(first.measures.change, '+')} points."
    ]
    if ties:
        found.append(f"Not told apart from it by these problems: {_listed(ties)}.")
    families = [
        f"{family}: {row.name} ({saving(row)}, rank {rank} of {len(ranking.kept)})"
        for family, (rank, row) in ranking.by_family().items()
    ]
    return [*found, f"Best of each family: {'; '.join(families)}."]


def published(comparison: Comparison) -> list[tuple[ResultRow, ResultRow | None]]:
    """Pair each operating point that is not certified with the rule's certified one, if any."""
    certified = {row.method: row for row in comparison.rows if row.promised == comparison.alpha}
    kinds = ("published", "live")
    rows = [row for row in comparison.rows if kind_of(row) in kinds and row.threshold != math.inf]
    return [(row, certified.get(row.method)) for row in rows]


def saving(row: ResultRow) -> str:
    """Write the share of all tokens saved, with its interval."""
    return f"{wording.percent(row.measures.saved_total)} %"


def _at_the_same_promise(comparison: Comparison) -> list[str]:
    """Order the certified rules by what they save: the same promise, chosen without test data."""
    limit = f"{100 * comparison.alpha:g} %"
    rows = [row for row in comparison.rows if row.promised == comparison.alpha]
    refused = [row.name for row in comparison.rows if row.threshold == math.inf]
    best = sorted(rows, key=_saving, reverse=True)
    found = []
    if best:
        found.append(
            f"With the same promise, {limit}, these save most of all tokens: {_listed(best[:5])}."
        )
    if refused:
        found.append(f"Nothing could be certified for: {', '.join(dict.fromkeys(refused))}.")
    return found


def _as_published(comparison: Comparison) -> list[str]:
    rows = [row for row, _ in published(comparison)]
    risky = [row for row in rows if row.measures.risk.low > comparison.alpha]
    dear = [row for row in rows if row.measures.saved_total.high < 0]
    found = []
    if risky:
        found.append(
            "At thresholds that are not certified, these lose more than "
            f"{100 * comparison.alpha:g} % of the problems, the whole interval above it: "
            + "; ".join(f"{row.name} ({wording.percent(row.measures.risk)} %)" for row in risky)
            + "."
        )
    if dear:
        found.append(
            "And these cost more tokens than thinking to the end, their probing paid for: "
            + "; ".join(f"{row.name} ({saving(row)})" for row in dear)
            + "."
        )
    return found


def _saving(row: ResultRow) -> float:
    return row.measures.saved_total.estimate


def _listed(rows: Sequence[ResultRow]) -> str:
    return ", ".join(f"{row.name} ({wording.share(_saving(row))})" for row in rows)

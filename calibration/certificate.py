"""What was promised, on which evidence: a threshold together with its guarantee in words."""

import json
import math
from dataclasses import asdict, dataclass
from html import escape
from typing import Any, Self

import numpy as np

from probexit.calibration.base import Array, Calibrator, checked
from probexit.calibration.sample_size import problems_for


@dataclass(frozen=True)
class Certificate:
    """A threshold and what may be said about it.

    Attributes:
        threshold: Exit when ``score >= threshold``; ``inf`` (never exit) when not certified.
        alpha: The risk asked for.
        delta: Chance that the promise fails; None for promises that hold on average.
        n: Calibration problems.
        losses: Their summed loss at the threshold (at the strictest one when not certified).
        calibrator: Name of the class that chose it.
        statement: The promise and its assumption, in words.
        problems: Problems it would take at the loss rate seen; ``n`` when certified, ``inf`` when
            more problems would not help.
    """

    threshold: float
    alpha: float
    delta: float | None
    n: int
    losses: float
    calibrator: str
    statement: str
    problems: float

    @property
    def certified(self) -> bool:
        """Whether any threshold was certified."""
        return self.threshold < math.inf

    def __str__(self) -> str:
        return self.statement

    def _repr_html_(self) -> str:
        verdict = f"exit at a score of {self.threshold:.4g}" if self.certified else "never exit"
        seen = f"{self.losses:g} of {self.n} calibration problems lost there"
        return f"<p><b>{escape(verdict)}</b>; {escape(seen)}.</p><p>{escape(self.statement)}</p>"

    def as_dict(self) -> dict[str, Any]:
        """Return what a controller carries of it, by field; infinities stay numbers."""
        return asdict(self)

    def to_json(self) -> str:
        """Return plain JSON; infinities are written as null."""
        record = {k: None if v == math.inf else v for k, v in self.as_dict().items()}
        return json.dumps(record, indent=1, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what :meth:`to_json` wrote.

        Raises:
            ValueError: when the text is not such a record.
        """
        try:
            record: dict[str, Any] = json.loads(text)
            unbounded = {k: math.inf for k in ("threshold", "problems") if record[k] is None}
            return cls(**record | unbounded)
        except (TypeError, KeyError) as error:
            raise ValueError(f"not a certificate: {error}") from error


def certify(calibrator: Calibrator, losses: Array, grid: Array) -> Certificate:
    """Choose a threshold and say what it promises.

    Args:
        calibrator: The rule that chooses.
        losses: ``[n, m]`` loss of each problem at each threshold, strict to lax.
        grid: ``[m]`` the thresholds.

    Raises:
        ValueError: as :meth:`.Calibrator.select`.
    """
    table, thresholds = checked(losses, grid)
    threshold = calibrator.select(table, thresholds)
    n, found = len(table), threshold < math.inf
    column = int(np.argmax(thresholds == threshold)) if found else 0
    total = float(table[:, column].sum())
    delta: float | None = getattr(calibrator, "delta", None)  # marginal promises have none
    problems = n if found else problems_for(calibrator, total / n)
    return Certificate(
        threshold=threshold,
        alpha=calibrator.alpha,
        delta=delta,
        n=n,
        losses=total,
        calibrator=type(calibrator).__name__,
        statement=_certified(calibrator) if found else _refused(calibrator, n, total, problems),
        problems=problems,
    )


def _certified(calibrator: Calibrator) -> str:
    return calibrator.promise.format(**_words(calibrator))


def _words(calibrator: Calibrator) -> dict[str, Any]:
    words = dict(vars(calibrator))
    return words | {"confidence": 1 - words["delta"]} if "delta" in words else words


def _refused(calibrator: Calibrator, n: int, losses: float, problems: float) -> str:
    seen = f"{losses:g} of {n} problems lost at the strictest threshold"
    if problems == math.inf:
        remedy = (
            f"That is not below alpha = {calibrator.alpha:g}, so more problems will not help: add "
            "stricter thresholds, a better probe, or allow more risk."
        )
    elif problems <= n:
        remedy = f"Its bound is too loose here: a binomial one takes about {problems:g} problems."
    else:
        remedy = f"At this rate it takes about {problems:g} problems, {problems - n:g} more."
    return f"Nothing certified: think on (never exit). {seen}. {remedy}"

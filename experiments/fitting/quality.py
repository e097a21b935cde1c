"""How good a signal is at telling right stops from wrong ones, with intervals over problems."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch

from probexit.calibration.metrics.discrimination import auroc, pr_auc, problem_pairs
from probexit.calibration.metrics.reliability import brier, ece
from probexit.calibration.statistics.bootstrap import bootstrap_metric, bootstrap_ratio
from probexit.calibration.statistics.intervals import Interval
from probexit.exits.html import facts
from probexit.exits.signals.base import Signal
from probexit.exits.trace import Trace
from probexit.experiments.fitting.targets import cue_table


@dataclass(frozen=True)
class Quality:
    """Measured on ``cues`` cues of ``problems`` held-out problems; 95 % bootstrap over problems.

    Attributes:
        auroc: Pooled over problems.
        within: AUROC among cues of the same problem.
        pr_auc: Average precision.
        brier: Mean squared error of the score as a probability.
        ece: Expected calibration error, equal-width bins.
    """

    problems: int
    cues: int
    auroc: Interval
    within: Interval
    pr_auc: Interval
    brier: Interval
    ece: Interval

    def as_dict(self) -> dict[str, Any]:
        """Return plain numbers."""
        return asdict(self)

    def __str__(self) -> str:
        return "\n".join(
            [self._head, *(f"  {name:<22}{value}" for name, value in self._named.items())]
        )

    def _repr_html_(self) -> str:
        return facts({name: str(value) for name, value in self._named.items()}, self._head)

    @property
    def _head(self) -> str:
        return f"on {self.cues} cues of {self.problems} test problems (95 % over problems):"

    @property
    def _named(self) -> dict[str, Interval]:
        return {
            "AUROC": self.auroc,
            "AUROC within problem": self.within,
            "PR-AUC": self.pr_auc,
            "Brier score": self.brier,
            "ECE": self.ece,
        }


def measure(signal: Signal, traces: Sequence[Trace], target: str) -> Quality:
    """Measure a signal whose scores are probabilities on held-out traces."""
    table = cue_table(traces, target)
    scores = torch.cat([signal.scores(t) for t in traces if len(t.cues)]).numpy()
    labels, groups = table.labels.numpy().astype(int), table.groups.numpy()
    wins, pairs = problem_pairs(scores, labels, groups)

    def interval(metric: Any) -> Interval:
        return bootstrap_metric(metric, scores, labels, groups)

    return Quality(
        problems=len({t.problem for t in traces}),
        cues=len(labels),
        auroc=interval(auroc),
        within=bootstrap_ratio(wins, pairs),
        pr_auc=interval(pr_auc),
        brier=interval(brier),
        ece=interval(ece),
    )

"""Quality is measured over problems, on cues pooled and within a problem."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score
from torch import Tensor

from probexit.exits.signals.base import CueState, Signal
from probexit.exits.trace import Trace
from probexit.experiments.fitting.quality import measure

Make = Callable[..., list[Trace]]


@dataclass(frozen=True)
class Sure(Signal):
    """Knows where to stop (``skill`` 1) or nothing (0), or only which problems are easy."""

    skill: float = 1.0
    easy: bool = False

    def scores(self, trace: Trace) -> Tensor:
        if self.easy:
            return trace.cues.correct.float().mean().nan_to_num(0).expand(len(trace.cues))
        noise = torch.rand(len(trace.cues), generator=torch.Generator().manual_seed(trace.thinking))
        return self.skill * trace.cues.correct.float() + (1 - self.skill) * noise

    def live(self, moment: CueState) -> Tensor:
        raise NotImplementedError


def test_the_numbers_are_the_textbooks(make_traces: Make) -> None:
    traces, signal = make_traces(120), Sure(0.3)
    found = measure(signal, traces, "correct")
    scores = torch.cat([signal.scores(t) for t in traces]).numpy()
    labels = torch.cat([t.cues.correct for t in traces]).numpy()
    assert found.cues == len(labels)
    assert found.problems == 120
    assert found.auroc.estimate == pytest.approx(roc_auc_score(labels, scores))
    assert found.pr_auc.estimate == pytest.approx(average_precision_score(labels, scores))
    assert found.brier.estimate == pytest.approx(brier_score_loss(labels, scores), abs=1e-6)
    for interval in (found.auroc, found.within, found.pr_auc, found.brier, found.ece):
        assert interval.low < interval.estimate < interval.high


def test_perfect_and_ignorant_signals(make_traces: Make) -> None:
    traces = make_traces(300)
    perfect, ignorant = (measure(Sure(s), traces, "correct") for s in (1.0, 0.0))
    assert perfect.auroc.estimate == perfect.within.estimate == perfect.pr_auc.estimate == 1
    assert perfect.brier.estimate == perfect.ece.estimate == 0
    assert ignorant.auroc.low < 0.5 < ignorant.auroc.high
    assert ignorant.within.low < 0.5 < ignorant.within.high


def test_knowing_easy_problems_is_not_knowing_when_to_stop(make_traces: Make) -> None:
    found = measure(Sure(easy=True), make_traces(300), "correct")
    assert found.auroc.low > 0.7
    assert found.within.estimate == 0.5


def test_it_prints_and_it_is_plain(make_traces: Make) -> None:
    found = measure(Sure(0.5), make_traces(60), "correct")
    assert "60 test problems" in str(found)
    assert found.as_dict()["auroc"]["estimate"] == found.auroc.estimate

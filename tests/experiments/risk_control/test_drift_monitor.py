"""The alarm on logs: quiet without a shift, ringing with one; and the balance it draws up."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.random import Generator, default_rng

from probexit.exits.controller import ExitController
from probexit.exits.policies.threshold import Threshold
from probexit.exits.production.log import Decision
from probexit.exits.signals.position import Position
from probexit.experiments.risk_control.drift_monitor import reference_scores, watch
from probexit.hooks.cues.every_k import EveryK
from probexit.hooks.think_tags import ThinkTags


def log(n: int, rng: Generator, shift: float = 0.0) -> list[Decision]:
    """Requests of one to five cues, stopped at .8."""
    made = []
    for i in range(n):
        scores = rng.normal(0.5 + shift, 0.2, rng.integers(1, 6))
        over = np.flatnonzero(scores >= 0.8)
        cue = int(over[0]) if over.size else None
        seen = tuple(scores[: over[0] + 1] if over.size else scores)
        made.append(Decision(f"r{i}", "c", seen, cue, None, 0, False, 9))
    return made


def reference(n: int, rng: Generator) -> Any:
    return np.array([np.mean(d.scores) for d in log(n, rng)])


def test_it_stays_quiet_without_a_shift() -> None:
    level, draws = 0.2, 150
    rang = []
    for seed in range(draws):
        rng = default_rng(seed)
        found = watch(log(150, rng), reference(60, rng), level, seed)
        rang.append(found.rang is not None)
    assert np.mean(rang) <= level + 3 * np.sqrt(level * (1 - level) / draws)


@pytest.mark.parametrize("shift", [0.2, -0.2])
def test_it_rings_soon_after_a_shift(shift: float) -> None:
    rang = []
    for seed in range(10):
        rng = default_rng(seed)
        stream = log(100, rng) + log(150, rng, shift)
        rang.append(watch(stream, reference(200, rng), 0.05, seed).rang)
    assert None not in rang
    assert 100 < np.median([r or 0 for r in rang]) < 150
    assert sum((r or 0) <= 100 for r in rang) <= 2  # false alarms, one in twenty


def test_the_balance_by_hand() -> None:
    decisions = [
        Decision("a", "c", (0.9,), 0, 0.9, 0, False, 9),
        Decision("b", "c", (0.9, 0.1), 0, 0.9, 0, False, 9, {0: True}),
        Decision("c", "c", (0.9, 0.1), 0, 0.9, 0, False, 9, {0: False}),
        Decision("d", "c", (), None, None, 0, False, 9, {}),
    ]
    found = watch(decisions, np.array([0.2, 0.9]))
    assert (found.requests, found.exited, found.audited, found.silent) == (4, 1, 3, 1)
    assert found.agreement is not None
    assert found.agreement.estimate == pytest.approx(2 / 3)
    assert len(found.wealth) == 3
    assert "66.7%" in str(found)
    assert "quiet" in found._repr_html_()


def test_an_audited_request_counts_as_far_as_the_rule_would_have_gone() -> None:
    """Else audited requests would look different from the others though nothing drifts."""
    stopped = Decision("a", "c", (0.1, 0.9), 1, 0.9, 0, False, 9)
    audited = Decision("a", "c", (0.1, 0.9, 0.0, 0.0), 1, 0.9, 0, False, 9, {1: True})
    one, other = (watch([d] * 30, np.linspace(0, 1, 50)) for d in (stopped, audited))
    assert one.wealth.tolist() == other.wealth.tolist()


def test_the_reference_is_replayed(make_traces: Callable[..., list[Any]]) -> None:
    traces = make_traces(40)
    rule = ExitController(EveryK(3), Position(), Threshold(30.0), ThinkTags(), "")
    found = reference_scores(rule, traces)
    with_cues = [t for t in traces if len(t.cues)]
    assert len(found) == len(with_cues)
    for value, trace in zip(found, with_cues, strict=True):
        scores = Position().scores(trace).tolist()
        stop = next((i + 1 for i, s in enumerate(scores) if s >= 30), len(scores))
        assert value == pytest.approx(np.mean(scores[:stop]))


def test_an_empty_log_is_refused() -> None:
    with pytest.raises(ValueError, match="no decision"):
        watch([], np.array([0.5]))

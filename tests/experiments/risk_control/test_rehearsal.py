from collections.abc import Callable
from typing import Any

from probexit.exits.controller import ExitController
from probexit.exits.policies.threshold import Threshold
from probexit.exits.production.audit import Audit
from probexit.exits.production.digest import digest
from probexit.exits.replay import exits
from probexit.exits.signals.position import Position
from probexit.experiments.risk_control.audit import rehearse
from probexit.hooks.cues.every_k import EveryK
from probexit.hooks.think_tags import ThinkTags

RULE = ExitController(EveryK(3), Position(), Threshold(40.0), ThinkTags(), "")


def test_the_log_says_what_replay_says(make_traces: Callable[..., list[Any]]) -> None:
    traces = make_traces(200)
    left = exits(RULE.policy, [Position().scores(t) for t in traces])
    log = rehearse(RULE, traces, Audit(0.5))
    assert {line.controller for line in log} == {digest(RULE)}
    assert 60 < sum(line.audit is not None for line in log) < 140
    for line, trace, cue in zip(log, traces, left, strict=True):
        assert (line.request, line.cue) == (trace.problem, cue)
        scores = Position().scores(trace).tolist()
        stopped = cue is not None and line.audit is None
        assert line.exited == stopped
        assert list(line.scores) == (scores[: cue + 1] if cue is not None and stopped else scores)
        assert (line.tokens < len(trace.token_ids)) or not stopped
        if line.audit is not None:
            assert line.audit == dict(enumerate(trace.agrees.tolist()))
            assert line.agrees == (cue is None or bool(trace.agrees[cue]))
    assert len(set(left)) > 3


def test_all_are_audited_by_default(make_traces: Callable[..., list[Any]]) -> None:
    assert all(line.audit is not None for line in rehearse(RULE, make_traces(20)))

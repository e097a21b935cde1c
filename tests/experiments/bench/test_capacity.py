"""What a server would do with recorded traces, left where a rule leaves them."""

from argparse import Namespace
from collections.abc import Callable

from probexit.exits.trace import Trace
from probexit.experiments.bench.capacity import lines, tokens_written

ASKED = Namespace(step=0.01, row=0.0, prompt=0.0, places=4, rates=[0.5], seed=0)


def test_tokens_by_hand(make_traces: Callable[..., list[Trace]]) -> None:
    trace = next(trace for trace in make_traces(5) if len(trace.cues) > 1)
    at, answer = int(trace.cues.positions[1]), int((trace.cues.answer_ids[1] >= 0).sum())
    assert tokens_written(trace, 1, closing=3) == at + 1 + 3 + answer
    assert tokens_written(trace, None, closing=3) == len(trace.token_ids)


def test_leaving_early_shortens_what_others_wait_for(
    make_traces: Callable[..., list[Trace]],
) -> None:
    """Positive control: with no exit both lines are the same."""
    traces = [trace for trace in make_traces(40) if len(trace.cues) > 2]
    full, same = lines(traces, [None] * len(traces), 2, ASKED)
    assert {**full, "rule": ""} == {**same, "rule": ""}
    full, early = lines(traces, [0] * len(traces), 2, ASKED)
    assert early["p50"] < 0.7 * full["p50"]
    assert early["rate"] == full["rate"] == 0.5

"""What every signal promises; members are found by walking the folder."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from probexit.exits.signals.base import Moment, Signal
from probexit.exits.signals.end_of_thinking import EndOfThinking
from probexit.exits.signals.position import Position
from probexit.exits.signals.probe import ProbeSignal
from probexit.exits.trace import Cues, Trace
from probexit.experiments.find import members
from probexit.probes.random_direction import RandomDirection

SIGNALS = members("probexit.exits.signals")
RECORDED = (2, 5, 7)
VOCABULARY, END, WIDTH, BEGINS = 11, 0, 6, 2  # END: the default of EndOfThinking


def probe(layers: int) -> RandomDirection:
    states = torch.randn(30, WIDTH * layers)
    return RandomDirection().fit(states, torch.arange(30) % 2)


def make(member: type[Signal]) -> Signal:
    """A member as it comes; only a probe has to be given one."""
    return ProbeSignal(probe(2), (7, 2), RECORDED) if member is ProbeSignal else member()


@pytest.fixture(params=SIGNALS.values(), ids=SIGNALS.keys())
def signal(request: pytest.FixtureRequest) -> Signal:
    return make(request.param)


@pytest.fixture
def scene() -> Callable[..., tuple[Trace, Moment]]:
    """``scene(c)``: a trace, and the same cues as an engine shows them: one row per cue."""

    def build(c: int = 6, layers: tuple[int, ...] = ()) -> tuple[Trace, Moment]:
        logits, hidden = torch.randn(c, VOCABULARY) * 3, torch.randn(c, len(RECORDED), WIDTH)
        positions = BEGINS + torch.arange(1, c + 1) * 4
        logprobs = logits.log_softmax(-1)
        cues = Cues(
            positions=positions,
            hidden=hidden.to(torch.bfloat16),
            entropy=-(logprobs.exp() * logprobs).sum(-1),
            top_logprobs=logprobs.sort(-1, descending=True).values[:, :5],
            end_logprob=logprobs[:, END],
            answers=tuple("a" if i < c // 2 else "b" for i in range(c)),
            answer_ids=torch.ones(c, 2, dtype=torch.long),
            answer_logprobs=-torch.rand(c, 2),
            correct=torch.arange(c) > 2,
        )
        tokens = torch.zeros(99)
        trace = Trace(
            "p", 0, tokens[:3].long(), tokens.long(), tokens, tokens, 80, True, "b", True, "b",
            cues, torch.arange(c) > 2, begins=BEGINS,
        )  # fmt: skip
        moment = Moment(
            hidden=hidden[:, [RECORDED.index(layer) for layer in layers]],
            logits=logits,
            cues_seen=torch.arange(1, c + 1),
            thinking=positions + 1 - BEGINS,
        )
        return trace, moment

    return build


def test_one_float_per_cue(signal: Signal, scene: Any) -> None:
    for c in (6, 1, 0):
        trace, _ = scene(c)
        scores, cost = signal.scores(trace), signal.cost(trace)
        assert scores.shape == cost.shape == (c,)
        assert scores.dtype == torch.float32
        assert not cost.is_floating_point()
        assert (cost >= 0).all()
        assert torch.equal(signal.scores(trace), scores)


def live(signal: Signal, moment: Moment) -> Tensor | None:
    """The live score, or None for a signal that says, by its name, that it cannot be had live."""
    try:
        return signal.live(moment)
    except ValueError as error:
        if type(signal).__name__ not in str(error):
            raise
        return None


def test_replay_equals_live(signal: Signal, scene: Any) -> None:
    trace, moment = scene(6, signal.layers)
    found = live(signal, moment)
    if found is None:
        assert (signal.cost(trace) > 0).all()  # only because it decodes what live does not
        return
    assert found.dtype == torch.float32
    again = signal.live(moment)
    if not torch.equal(found, again):  # a coin: nothing but its range can agree
        assert ((found >= 0) & (found <= 1)).all()
        return
    assert torch.allclose(found, signal.scores(trace), atol=1e-5)
    order = torch.randperm(6)
    shuffled = Moment(
        moment.hidden[order], moment.logits[order], moment.cues_seen[order], moment.thinking[order]
    )
    assert torch.allclose(signal.live(shuffled), found[order], atol=1e-6)


def test_most_signals_can_be_had_live(scene: Any) -> None:
    """Else the test above would hold for a family that refuses everything."""
    signals = [make(member) for member in SIGNALS.values()]
    possible = [s for s in signals if live(s, scene(6, s.layers)[1]) is not None]
    assert {ProbeSignal, Position, EndOfThinking} <= {type(s) for s in possible}


def test_position_by_hand(scene: Any) -> None:
    trace, _ = scene(2)
    assert trace.cues.positions.tolist() == [6, 10]
    assert Position().scores(trace).tolist() == [5.0, 9.0]  # tokens 2 to 6 are five


def test_end_of_thinking_by_hand(scene: Any) -> None:
    _, moment = scene(1)
    expected = moment.logits[0, 4].exp() / moment.logits[0].exp().sum()
    assert EndOfThinking(end_id=4).live(moment).exp().item() == pytest.approx(expected.item())


def test_a_probe_reads_its_layers_in_its_order(scene: Any) -> None:
    trace, _ = scene(4)
    reader = probe(2)
    forward = ProbeSignal(reader, (2, 7), RECORDED).scores(trace)
    columns = trace.cues.hidden[:, [0, 2]].flatten(1)
    assert torch.equal(forward, reader.score(columns))
    assert not torch.equal(forward, ProbeSignal(reader, (7, 2), RECORDED).scores(trace))
    with pytest.raises(ValueError, match=r"layers \[3\] were not recorded; recorded: \[2, 5, 7\]"):
        ProbeSignal(reader, (2, 3), RECORDED)


def test_a_probe_reads_what_the_store_keeps(scene: Any) -> None:
    """Live states are rounded to bfloat16 first: a difference below that is none."""
    _, moment = scene(4, (2,))
    reader = ProbeSignal(probe(1), (2,), RECORDED)
    rounded = Moment(
        moment.hidden.to(torch.bfloat16).float(), moment.logits, moment.cues_seen, moment.thinking
    )
    assert torch.equal(reader.live(moment), reader.live(rounded))

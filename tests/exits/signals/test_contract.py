"""What every signal promises; members are found by walking the folder."""

from collections.abc import Callable
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import torch

from probexit.exits.artefacts.parts import describe, rebuild
from probexit.exits.rollout import Cues, Rollout
from probexit.exits.signals.base import CueState, Signal, Trial
from probexit.exits.signals.end_of_thinking import EndOfThinking
from probexit.exits.signals.position import Position
from probexit.exits.signals.probe import ProbeSignal
from probexit.exits.trace import GradedCues, Trace
from probexit.experiments.registry import members
from probexit.probes.artefacts.folder import read_artefact, write_artefact
from probexit.probes.random_direction import RandomDirection
from probexit.probes.sequence.base import SequenceProbe
from probexit.probes.sequence.ridge import Ridge

SIGNALS = members("probexit.exits.signals")
RECORDED = (2, 5, 7)
VOCABULARY, END, WIDTH, BEGINS = 11, 0, 6, 2  # END: the default of EndOfThinking


def probe(layers: int) -> RandomDirection:
    states = torch.randn(30, WIDTH * layers)
    return RandomDirection().fit(states, torch.arange(30) % 2)


def make(member: type[Signal]) -> Signal:
    """A member as it comes; probes without which it cannot be made are fitted to what it reads."""
    types = get_type_hints(member)
    needed = [f.name for f in fields(member) if f.default is f.default_factory is MISSING]
    parts: dict[str, Any] = {
        name: fitted(types[name], width(member, name)) for name in needed if name in PROBES
    }
    if "probes" in needed:  # one per training epoch, each with its bound
        parts |= {"probes": (probe(2), probe(2)), "bounds": (0.3, 0.4)}
    if "at" in types:
        parts |= {"at": (2, 7), "recorded": RECORDED}
    return member(**parts)


PROBES = ("probe", "novel")


def width(member: type[Signal], name: str) -> int:
    """How much a probe reads: features of its own, or two layers; novelty reads two steps."""
    own: int = getattr(member, "width", 2 * WIDTH)
    return 2 * own if name == "novel" else own


def fitted(contract: type[Any], width: int) -> Any:
    if issubclass(contract, SequenceProbe):
        return Ridge().fit([torch.randn(30, width)], [(torch.arange(30) % 2).float()])
    return RandomDirection().fit(torch.randn(30, width), torch.arange(30) % 2)


def so_far(trace: Trace, cue: int, signal: Signal) -> Rollout:
    """The trace as an engine knows it at a cue: nothing later, nothing that the signal disowns."""
    cues = {f.name: getattr(trace.cues, f.name) for f in fields(Cues)}
    cut = {name: column[: cue + 1] for name, column in cues.items() if column is not None}
    for name in ("hidden", "step_hidden"):
        cut[name] = cut[name][:, [RECORDED.index(layer) for layer in signal.layers]]
    if signal.trial is not Trial.ANSWER:
        cut |= {"answers": ("",) * (cue + 1), "answer_ids": torch.empty(cue + 1, 0)}
        cut |= {"answer_logprobs": torch.empty(cue + 1, 0)}
    if signal.trial is Trial.NONE:
        cut |= {"answer_entropies": torch.empty(cue + 1, 0)}
    written = int(trace.cues.positions[cue]) + 1
    known = written if signal.per_token else 0
    tokens = {n: getattr(trace, n)[:known] for n in ("logprobs", "entropies", "confidences")}
    thinking, token_ids = written - trace.begins, trace.token_ids[:written]
    return replace(trace.seen(), cues=Cues(**cut), **tokens, thinking=thinking, token_ids=token_ids)


@pytest.fixture(params=SIGNALS.values(), ids=SIGNALS.keys())
def signal(request: pytest.FixtureRequest) -> Signal:
    return make(request.param)


@pytest.fixture
def scene() -> Callable[..., tuple[Trace, CueState]]:
    """``scene(c)``: a trace, and the same cues as an engine shows them: one row per cue."""

    def build(c: int = 6, signal: Signal | None = None) -> tuple[Trace, CueState]:
        layers = signal.layers if signal else ()
        logits, hidden = torch.randn(c, VOCABULARY) * 3, torch.randn(c, len(RECORDED), WIDTH)
        positions = BEGINS + torch.arange(1, c + 1) * 4
        logprobs = logits.log_softmax(-1)
        cues = GradedCues(
            positions=positions,
            hidden=hidden.to(torch.bfloat16),
            entropy=-(logprobs.exp() * logprobs).sum(-1),
            top_logprobs=logprobs.sort(-1, descending=True).values[:, :5],
            end_logprob=logprobs[:, END],
            step_hidden=torch.randn(c, len(RECORDED), WIDTH).to(torch.bfloat16),
            steps=tuple(f"so {i} it is. Wait," for i in range(c)),
            answers=tuple("a" if i < c // 2 else "b" for i in range(c)),
            answer_ids=torch.ones(c, 2, dtype=torch.long),
            answer_logprobs=-torch.rand(c, 2),
            answer_entropies=torch.rand(c, 2),
            correct=torch.arange(c) > 2,
        )
        tokens = torch.rand(99)
        trace = Trace(
            problem="p",
            rollout=0,
            prompt_ids=tokens[:3].long(),
            token_ids=tokens.long(),
            logprobs=-tokens,
            entropies=tokens,
            confidences=tokens,
            thinking=80,
            finished=True,
            answer="b",
            correct=True,
            gold="b",
            cues=cues,
            agrees=torch.arange(c) > 2,
            begins=BEGINS,
        )
        state = CueState(
            hidden=hidden[:, [RECORDED.index(layer) for layer in layers]],
            logits=logits,
            thinking=(positions + 1 - BEGINS).tolist(),
            history=lambda: [so_far(trace, i, signal) for i in range(c) if signal],
        )
        return trace, state

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


def test_a_signal_reads_no_grade(signal: Signal, scene: Any) -> None:
    """What is known in hindsight is not there to be read; without it the scores are the same."""
    trace, _ = scene(6)
    seen = trace.seen()
    assert not {"correct", "gold", "agrees", "answer", "start"} & set(vars(seen))
    assert not {"correct", "sampled_right"} & set(vars(seen.cues))
    assert torch.equal(signal.scores(seen), signal.scores(trace))
    assert torch.equal(signal.cost(seen), signal.cost(trace))


def test_a_signal_that_does_is_told(scene: Any) -> None:
    trace, _ = scene(6)
    with pytest.raises(AttributeError, match="correct"):
        Hindsight().scores(trace.seen())


class Hindsight(Signal):
    """Reads the grades: what no signal may do."""

    def scores(self, trace: Any) -> torch.Tensor:
        return trace.cues.correct.float()


def test_replay_equals_live(signal: Signal, scene: Any) -> None:
    trace, state = scene(6, signal)
    found = signal.live(state)
    assert found.dtype == torch.float32
    again = signal.live(state)
    if not torch.equal(found, again):  # a coin: nothing but its range can agree
        assert ((found >= 0) & (found <= 1)).all()
        return
    assert torch.allclose(found, signal.scores(trace), atol=1e-5)
    order = torch.randperm(6)
    shuffled = CueState(
        state.hidden[order],
        state.logits[order],
        [state.thinking[i] for i in order.tolist()],
        lambda: [state.traces[i] for i in order.tolist()],
    )
    assert torch.allclose(signal.live(shuffled), found[order], atol=1e-6)


def test_a_signal_that_is_not_traced_asks_for_no_trace(signal: Signal, scene: Any) -> None:
    """Engines keep no trace for it; one that is traced does ask, or keeping it would be waste."""
    _, state = scene(6, signal)
    blind = CueState(state.hidden, state.logits, state.thinking)
    assert signal.traced or signal.trial is Trial.NONE
    if signal.traced:
        with pytest.raises(RuntimeError):
            signal.live(blind)
    else:
        assert len(signal.live(blind)) == 6


def test_pays_for_what_it_tries_and_for_nothing_else(signal: Signal, scene: Any) -> None:
    trace, _ = scene(6)
    tried = signal.trials(trace)
    assert tried.dtype == torch.bool
    if signal.trial is Trial.NONE:
        assert not tried.any()
    else:
        assert ((replace(signal, closing=3).cost(trace) > 0) == tried).all()


def test_saved_and_loaded_scores_the_same(signal: Signal, scene: Any, tmp_path: Path) -> None:
    tensors: dict[str, Any] = {}
    write_artefact(tmp_path, "one", {"signal": describe(signal, tensors, "signal")}, tensors)
    data, kept = read_artefact(tmp_path, "one", "write it again")
    again = rebuild(Signal, data["signal"], kept, "signal")
    assert again == signal
    trace, _ = scene(6, signal)
    assert torch.equal(again.scores(trace), signal.scores(trace))


def test_position_by_hand(scene: Any) -> None:
    trace, _ = scene(2)
    assert trace.cues.positions.tolist() == [6, 10]
    assert Position().scores(trace).tolist() == [5.0, 9.0]  # tokens 2 to 6 are five


def test_end_of_thinking_by_hand(scene: Any) -> None:
    _, state = scene(1)
    expected = state.logits[0, 4].exp() / state.logits[0].exp().sum()
    assert EndOfThinking(end_id=4).live(state).exp().item() == pytest.approx(expected.item())


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
    reader = ProbeSignal(probe(1), (2,), RECORDED)
    _, state = scene(4, reader)
    rounded = CueState(state.hidden.to(torch.bfloat16).float(), state.logits, state.thinking)
    assert torch.equal(reader.live(state), reader.live(rounded))

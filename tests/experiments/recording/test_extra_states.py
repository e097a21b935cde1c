"""States recorded on request are those of a direct capture, and read back from the shards."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from probexit.exits.engines.decoding import Decoding
from probexit.exits.trace import Trace
from probexit.experiments.recording.extra_states import StateReader
from probexit.experiments.recording.reading import ReadRequest
from probexit.experiments.recording.record import Recorder
from probexit.experiments.recording.run import Run
from probexit.experiments.recording.sizes import StateSizes
from probexit.experiments.recording.tasks.by_name import task
from probexit.hooks.cues.reflection import Reflection
from probexit.hooks.models import Reasoner

LAYERS = (2, 6)


@pytest.fixture(scope="module")
def traces(shipped: Reasoner, tmp_path_factory: pytest.TempPathFactory) -> list[Trace]:
    short = replace(shipped, answer_tokens=4)
    extra = StateReader(shipped.model, LAYERS, heads=True, tokens=True)
    recorder = Recorder(short, task("arith:easy"), Reflection(), LAYERS, Decoding(120, 1.0))
    run = Run(tmp_path_factory.mktemp("extra"))
    replace(recorder, extra=extra).record(run, 3, 2)
    return run.traces()


@torch.inference_mode()
def direct(model: Any, trace: Trace) -> tuple[Any, dict[int, torch.Tensor]]:
    """Run the model on a whole trace: its own hidden states, and what each o_proj was given."""
    given: dict[int, torch.Tensor] = {}
    handles = [
        layer.self_attn.o_proj.register_forward_pre_hook(
            lambda _, args, i=i: given.__setitem__(i, args[0][0])
        )
        for i, layer in enumerate(model.model.layers)
    ]
    ids = torch.cat([trace.prompt_ids, trace.token_ids])[None]
    hidden = model(input_ids=ids, output_hidden_states=True).hidden_states
    for handle in handles:
        handle.remove()
    return hidden, given


def test_they_equal_a_direct_capture(traces: list[Trace], shipped: Reasoner) -> None:
    for trace in traces:
        hidden, given = direct(shipped.model, trace)
        p, begins = len(trace.prompt_ids), trace.begins
        span = slice(p + begins, p + begins + trace.thinking)
        # layer 2 is the state after it, layer 6 that behind the final norm (`hooks/layers.py`)
        expected = torch.stack([hidden[3][0, span], hidden[6][0, span]], 1)
        assert trace.thinking_hidden is not None
        assert trace.thinking_hidden.shape == (trace.thinking, 2, 192)
        torch.testing.assert_close(trace.thinking_hidden.float(), expected, atol=1e-2, rtol=1e-2)
        heads = trace.cues.heads
        assert heads is not None
        assert heads.shape == (len(trace.cues), 6, 4, 48)
        at = trace.cues.positions + p
        read = torch.stack([given[i][at] for i in range(6)], 1).reshape(heads.shape)
        torch.testing.assert_close(heads.float(), read, atol=1e-2, rtol=1e-2)


def test_all_tokens_hold_the_cues(traces: list[Trace]) -> None:
    """The control: one place further on it is another state."""
    for trace in traces:
        assert trace.thinking_hidden is not None
        at = trace.cues.positions - trace.begins
        cues = trace.cues.hidden.float()
        torch.testing.assert_close(trace.thinking_hidden[at].float(), cues, atol=2e-2, rtol=2e-2)
        assert (trace.thinking_hidden[at - 1].float() - cues).abs().max() > 0.5


def test_nothing_is_kept_unless_asked_for(traces: list[Trace], greedy_run: Run) -> None:
    plain = greedy_run.traces()[0]
    assert plain.thinking_hidden is plain.cues.heads is None
    assert traces[0].start is not None
    assert traces[0].start.heads is not None
    assert not {"heads", "sampled_right"} & set(vars(traces[0].seen().cues))


def test_heads_that_are_not_found_are_refused_at_once(tiny_model: Callable[..., Any]) -> None:
    model = tiny_model("llama")
    model.probexit_attention_output = "missing_one"
    with pytest.raises(ValueError, match="missing_one"):
        StateReader(model, (1,), heads=True).check()
    StateReader(model, (1,), tokens=True).check()
    with pytest.raises(ValueError, match="missing_one"):
        StateReader(model, (1,), heads=True).read(ReadRequest([1, 2, 3], [0]), 1)


def test_the_room_they_take(traces: list[Trace]) -> None:
    """Three traces of width 192: the bytes of the tensors that are there."""
    sizes = StateSizes.of(traces, 6)
    heads = [t.cues.heads for t in traces] + [t.start.heads for t in traces if t.start]
    held = sum(2 * tensor.numel() for tensor in heads if tensor is not None)
    assert sizes.heads == pytest.approx(held / 3 / 1e6)
    held = sum(2 * t.thinking_hidden.numel() for t in traces if t.thinking_hidden is not None)
    assert sizes.tokens == pytest.approx(held / 3 / 1e6)
    assert f"adds {sizes.heads:.3g} MB" in str(sizes)
    with pytest.raises(ValueError, match="no traces"):
        StateSizes.of([], 6)


def test_hooks_are_gone_after_an_exception(shipped: Reasoner) -> None:
    def hooks() -> list[int]:
        modules = shipped.model.modules()
        return [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in modules]

    before = hooks()
    reader = StateReader(shipped.model, (1,), heads=True, tokens=True)
    with pytest.raises(IndexError):
        reader.read(ReadRequest([1, 2, 10**6], [0]), 1)
    assert hooks() == before

"""Recording with the shipped reasoner: what a trace holds, and how a run goes on."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from probexit.exits.engines.decoding import Decoding
from probexit.exits.trace import Trace
from probexit.experiments.recording.answering import answer_text
from probexit.experiments.recording.record import Recorder
from probexit.experiments.recording.run import Manifest, Run, tags_from
from probexit.experiments.recording.tasks.base import Item, Task
from probexit.experiments.recording.tasks.by_name import task
from probexit.experiments.recording.thinking import thinking_span
from probexit.hooks.cues.every_k import EveryK
from probexit.hooks.cues.reflection import Reflection
from probexit.hooks.models import Reasoner
from probexit.hooks.think_tags import ThinkTags


@dataclass(frozen=True)
class Echo(Task):
    """Problems of the shipped family under other names."""

    prefix: str = "p"
    count: int = 99

    def items(self) -> Iterator[Item]:
        for i, item in zip(range(self.count), task("arith:easy").items(), strict=False):
            yield replace(item, id=f"{self.prefix}{i}")


@pytest.fixture
def recorder(shipped: Reasoner) -> Recorder:
    short = replace(shipped, answer_tokens=4)
    return Recorder(short, Echo(), Reflection(), (2, 6), Decoding(160, 1.0))


def tokens(traces: list[Trace]) -> list[list[int]]:
    return [t.token_ids.tolist() for t in traces]


@pytest.fixture
def passes(shipped: Reasoner) -> Iterator[list[int]]:
    """Grows with every forward pass of the model."""
    made: list[int] = []
    handle = shipped.model.register_forward_hook(lambda *_: made.append(1))
    yield made
    handle.remove()


def test_a_run_is_extended_and_never_repeated(
    recorder: Recorder, tmp_path: Path, passes: list[int]
) -> None:
    whole, parts = Run(tmp_path / "whole"), Run(tmp_path / "parts")
    recorder.record(whole, 7, 3)
    recorder.record(parts, 2, 3)
    assert tokens(parts.traces()) == tokens(whole.traces())[:2]
    recorder.record(parts, 7, 3)  # the first shard grows from two traces to three
    assert tokens(parts.traces()) == tokens(whole.traces())
    assert [t.problem for t in parts.traces()] == [f"p{i}" for i in range(7)]
    passes.clear()
    recorder.record(parts, 7, 3)
    recorder.record(parts, 5, 3)
    assert not passes
    assert len(parts.traces()) == 7


def test_other_problems_are_not_mixed_in(recorder: Recorder, tmp_path: Path) -> None:
    """As when the task's file has changed between two runs."""
    run = Run(tmp_path)
    recorder.record(run, 3, 2)
    with pytest.raises(ValueError, match="other problems than the task now gives"):
        replace(recorder, task=Echo(prefix="q")).record(run, 4, 2)
    assert len(run.traces()) == 3
    with pytest.raises(ValueError, match="only 4 problems: use --n 4"):
        replace(recorder, task=Echo(count=4)).record(run, 6, 2)
    assert len(run.traces()) == 3  # said before anything is recorded; what there is is kept


def test_a_trace_is_consistent(greedy_run: Run, shipped: Reasoner) -> None:
    grader = task("arith")
    for trace in greedy_run.traces():
        text = shipped.tokenizer.decode(trace.token_ids[: trace.thinking])
        assert "</think>" not in text
        rest = shipped.tokenizer.decode(trace.token_ids[trace.thinking :])
        assert rest.startswith("</think>") == trace.finished
        assert trace.correct == grader.same(trace.answer, trace.gold)
        positions = trace.cues.positions
        assert (positions.diff() > 0).all()
        assert (positions < trace.thinking).all()
        assert trace.cues.correct.tolist() == [
            grader.same(a, trace.gold) for a in trace.cues.answers
        ]
        assert trace.agrees.tolist() == [grader.same(a, trace.answer) for a in trace.cues.answers]
        assert trace.start is not None
        assert trace.start.positions.tolist() == [-1]
        assert len(trace.token_ids) == len(trace.logprobs) == len(trace.entropies)
        assert trace.cues.hidden.shape == (len(positions), 7, shipped.model.config.hidden_size)


def test_the_start_is_the_exit_before_any_thinking(greedy_run: Run, shipped: Reasoner) -> None:
    trace = greedy_run.traces()[0]
    assert trace.start is not None
    ids = torch.tensor([[*trace.prompt_ids.tolist(), *shipped.closing_ids()]])
    with torch.inference_mode():
        expected = shipped.model(ids).logits[0, -1].argmax()
    assert trace.start.answer_ids[0, 0] == expected


def test_cues_too_late_for_an_answer_are_left_out(recorder: Recorder) -> None:
    """No engine would leave there: closing and answer do not fit in the limit any more."""
    limit = 40
    everywhere = replace(recorder, cues=EveryK(1), decoding=Decoding(limit))
    items = [item for item, _ in zip(Echo().items(), range(4), strict=False)]

    room = len(recorder.reasoner.closing_ids()) + recorder.reasoner.answer_tokens
    for trace in everywhere.traces(items, 0):
        assert trace.cues.positions.tolist() == list(range(limit - room))
        assert not trace.finished


Span = Callable[..., tuple[int, int, list[int]]]


@pytest.fixture
def span(shipped: Reasoner) -> Span:
    def find(text: str, prompt: str = "", cues: Any = None) -> Any:
        encode = shipped.tokenizer.encode
        ids = encode(text, add_special_tokens=False)
        prompt_ids = encode(prompt, add_special_tokens=False)
        return thinking_span(shipped, cues or Reflection(), prompt_ids, ids)

    return find


def test_where_the_thinking_lies(span: Span, shipped: Reasoner) -> None:
    text = "<think>Wait, so</think>Wait, so"
    ids = shipped.tokenizer.encode(text, add_special_tokens=False)
    close = ids.index(shipped.tokenizer.convert_tokens_to_ids("</think>"))
    begins, thinking, cues = span(text)
    assert (begins, thinking) == (1, close - 1)
    assert len(cues) == 1
    assert span(text.removeprefix("<think>"), "<think>") == (0, close - 1, [cues[0] - 1])
    assert span("Wait, so", "<think></think>")[1:] == (0, [])


def test_the_answer_follows_the_thinking(shipped: Reasoner) -> None:
    def answer(text: str, prompt: str = "<think>") -> str:
        encode = shipped.tokenizer.encode
        ids = encode(text, add_special_tokens=False)
        begins, thinking, _ = thinking_span(
            shipped, Reflection(), encode(prompt, add_special_tokens=False), ids
        )
        return answer_text(shipped, ids, begins, thinking).strip()

    assert answer("Wait.</think>The answer is") == "The answer is"
    assert answer("Wait. The answer is") == ""  # it was cut off before it answered
    assert answer("The answer is", prompt="<think></think>") == "The answer is"  # did not think
    assert answer("The answer is<|im_end|>", prompt="") == "The answer is"


MARK = {"name": "", "layers": 1, "width": 2, "weights": "", "base": "", "kind": ""}
TAGS = {"open": "<a>", "close": "</a>", "mute": ["a", "b"]}


def manifest(**changes: Any) -> Manifest:
    texts = ("model", "revision", "task", "data", "cues", "closing", "tokenizer")
    plain: dict[str, Any] = dict.fromkeys(texts, "")
    plain |= {"layers": (1, 2), "answer_tokens": 8, "shard_size": 4, "seed": 0}
    plain |= {"tags": TAGS, "fingerprint": MARK, "versions": {"torch": "1"}}
    plain |= {"decoding": {"temperature": 1.0, "batch_size": 64}}
    return Manifest(**plain | changes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "other"}, "model = '', not 'other'"),
        ({"layers": (1,)}, r"layers = \[1, 2\], not \[1\]"),
        ({"seed": 3}, "seed = 0, not 3"),
        ({"rollouts": 4}, "rollouts = 1, not 4"),
        ({"heads": True}, "heads = False, not True"),
        ({"closing": "!"}, "closing = '', not '!'"),
        ({"decoding": {"temperature": 0.0, "batch_size": 64}}, "temperature = 1.0, not 0.0"),
    ],
)
def test_a_run_goes_on_with_the_same_settings_only(
    change: dict[str, Any], message: str, tmp_path: Path
) -> None:
    Run(tmp_path).begin(manifest())
    with pytest.raises(ValueError, match=message):
        Run(tmp_path).begin(manifest(**change))
    assert Run(tmp_path).manifest == manifest()


@pytest.mark.parametrize(
    "change",
    [{"versions": {"torch": "2"}}, {"decoding": {"temperature": 1.0, "batch_size": 1}}],
)
def test_what_changes_no_result_may_change(change: dict[str, Any], tmp_path: Path) -> None:
    Run(tmp_path).begin(manifest())
    Run(tmp_path).begin(manifest(**change))


def test_folders_that_are_no_runs(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is not a run: make one with `probexit record`"):
        _ = Run(tmp_path).manifest
    with pytest.raises(ValueError, match="is not a run"):
        Run(tmp_path).traces()
    Run(tmp_path).begin(manifest())
    with pytest.raises(ValueError, match="holds no traces yet"):
        Run(tmp_path).traces()
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(ValueError, match="Field required: put back the one"):
        _ = Run(tmp_path).manifest


def test_tags_survive_the_manifest(greedy_run: Run, shipped: Reasoner) -> None:
    assert tags_from(greedy_run.manifest.tags) == shipped.tags
    odd = ThinkTags("[THINK]", "[/THINK]", ("[CALL]", "[/CALL]"))
    assert tags_from({"open": odd.open, "close": odd.close, "mute": list(odd.mute)}) == odd

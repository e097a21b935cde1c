"""The progress bar looks and changes nothing."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import torch

from probexit.exits.controller import ExitController
from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.displays import (
    Display,
    Notebook,
    ProgressReading,
    Silent,
    Terminal,
    as_html,
)
from probexit.exits.engines.generate import attach
from probexit.exits.engines.loop import Loop, generate
from probexit.exits.engines.thinking_bar import ThinkingBar
from probexit.exits.signals.sequence import SequenceSignal
from probexit.exits.signals.trial_confidence import TrialConfidence
from probexit.hooks.capture import CaptureError
from probexit.probes.sequence.gru import GRU

NEW = 24
Prompts = list[list[int]]


@pytest.fixture
def progress(reading: Callable[..., ExitController]) -> ExitController:
    """A controller whose signal reads the cues' states in order; it would leave at once."""
    states = [torch.randn(4, 32) for _ in range(10)]
    shares = [torch.tensor([0.1, 0.4, 0.6, 0.9])] * 10
    probe = GRU(units=4, epochs=1).fit(states, shares)
    signal = SequenceSignal(probe=probe, at=(4,), recorded=(4,), column="hidden")
    return replace(reading(0.0), signal=signal)


@pytest.fixture
def model(lively: Callable[..., Any]) -> Any:
    return lively("llama")


@dataclass
class Kept(Display):
    """Keeps what it was shown."""

    shown: list[list[ProgressReading]] = field(default_factory=list)
    closed: bool = False

    def show(self, readings: Sequence[ProgressReading]) -> None:
        self.shown.append(list(readings))

    def close(self) -> None:
        self.closed = True


def thought(model: Any, words: Any, prompts: Prompts, watched: ExitController) -> list[Any]:
    """What the own loop sees of a run that is never left."""
    return generate(model, words, prompts, watched.with_threshold(torch.inf), Decoding(NEW))


def test_changes_nothing_and_reads_what_the_loop_reads(
    model: Any, words: Any, prompts: Prompts, progress: ExitController, left_padded: Any
) -> None:
    inputs = left_padded(prompts[:6])
    plain = model.generate(**inputs, max_new_tokens=NEW, do_sample=False)
    kept = Kept()
    with ThinkingBar(model, words, progress, kept) as bar:
        output = model.generate(
            **inputs, max_new_tokens=NEW, do_sample=False, logits_processor=[bar]
        )
    assert torch.equal(output, plain)
    expected = thought(model, words, prompts[:6], progress)
    cues = 0
    for row, run in zip(bar.readings, expected, strict=True):
        seen = row.tokens // 3
        newest = run.scores[seen - 1] if seen else 0.0
        assert row.share == pytest.approx(1.0 if row.done else newest, abs=1e-3)
        cues += seen
    assert cues > 6
    assert len(kept.shown) > 2  # as it went along, not only at the end
    assert kept.shown[-1] == bar.readings or kept.shown[-1][0].share == bar.readings[0].share
    assert kept.closed
    assert not any(m._forward_hooks for m in model.modules())


def test_in_the_own_loop_rows_may_move(
    model: Any, words: Any, prompts: Prompts, progress: ExitController
) -> None:
    expected = thought(model, words, prompts, progress)
    with ThinkingBar(model, words, progress, Silent()) as bar:
        loop = Loop(model, words, None, Decoding(NEW, batch_size=4), processors=[bar.look])
        written = loop.run(prompts)
    assert [g.token_ids for g in written] == [g.token_ids for g in expected]
    assert len(bar.readings) == len(prompts)
    shares = [r.share for r in bar.readings if not r.done]
    known = {round(s, 3) for run in expected for s in (*run.scores, 0.0)}
    assert shares
    assert {round(s, 3) for s in shares} <= known


def test_beside_a_controller_that_leaves(
    model: Any, words: Any, prompts: Prompts, progress: ExitController, left_padded: Any
) -> None:
    """A thinking that was closed is done."""
    inputs = left_padded(prompts[:4])
    with (
        attach(model, words, progress) as attachment,
        ThinkingBar(model, words, progress, Silent()) as bar,
    ):
        model.generate(**inputs, max_new_tokens=NEW, do_sample=False, logits_processor=[bar])
    left = [(r, row.exit) for r, row in zip(bar.readings, attachment.rows, strict=True) if row.exit]
    assert len(left) > 1
    for reading, exit_ in left:
        assert reading == replace(reading, share=1.0, done=True, tokens=exit_.thinking)


def test_two_calls_are_two_thinkings(
    model: Any, words: Any, prompts: Prompts, progress: ExitController, left_padded: Any
) -> None:
    with ThinkingBar(model, words, progress, Silent(), names=["first"]) as bar:
        for prompt in prompts[:2]:
            model.generate(**left_padded([prompt]), max_new_tokens=5, logits_processor=[bar])
    assert [r.name for r in bar.readings] == ["first", "thinking 2"]


def test_refusals(
    model: Any, words: Any, prompts: Prompts, progress: ExitController, left_padded: Any
) -> None:
    with pytest.raises(ValueError, match="TrialConfidence needs trial answers"):
        ThinkingBar(model, words, replace(progress, signal=TrialConfidence()))
    bar = ThinkingBar(model, words, progress, Silent())
    with pytest.raises(CaptureError, match="no forward pass was made"):
        model.generate(**left_padded(prompts[:1]), max_new_tokens=2, logits_processor=[bar])
    with bar:
        model(torch.tensor([prompts[0]] * 3))
        with pytest.raises(ValueError, match="had 3 rows, not these 1"):
            bar.look([prompts[0]], torch.zeros(1, 128))


HALF = ProgressReading("<b>3 + 4</b>", 0.5, 12, False)


def test_html_is_escaped() -> None:
    page = as_html([HALF, ProgressReading("b", 1.0, 20, True)])
    assert "<b>" not in page
    assert "&lt;b&gt;3 + 4&lt;/b&gt;" in page
    assert 'value="0.500"' in page
    assert "50 % 12 tokens<" in page
    assert "100 % 20 tokens, done" in page


def test_terminal_draws_one_bar_each_and_may_go_back() -> None:
    written = io.StringIO()
    bars = Terminal(written)
    bars.show([HALF])
    bars.show([replace(HALF, share=0.25), ProgressReading("b", 1.0, 20, True)])
    bars.close()
    text = written.getvalue()
    assert text.index("50 %") < text.index("25 %") < text.index("100 %")
    assert "12 tokens" in text
    assert "20 tokens, done" in text


def test_notebook_updates_one_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    display = pytest.importorskip("IPython.display")
    made: list[str] = []

    class Handle:
        def update(self, page: Any) -> None:
            made.append("update " + page.data)

    def show(page: Any, display_id: bool) -> Handle:
        made.append("display " + page.data)
        return Handle()

    monkeypatch.setattr(display, "display", show)
    cell = Notebook()
    cell.show([HALF])
    cell.show([replace(HALF, share=0.75)])
    assert [entry.split()[0] for entry in made] == ["display", "update"]
    assert "75 %" in made[1]

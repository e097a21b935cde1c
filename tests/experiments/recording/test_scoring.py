"""Notes on tokens that another engine wrote are those of the loop that draws them."""

import pytest

from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.loop import Loop
from probexit.exits.engines.token_notes import TokenNotes
from probexit.experiments.recording.scoring import scored
from probexit.hooks.models import Reasoner


def test_a_prefill_notes_what_the_loop_noted(
    shipped: Reasoner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("probexit.experiments.recording.scoring.PART", 7)
    prompts = [shipped.prompt(q) for q in ("What is 3 + 4?", "What is 12 * 34 - 5 + 61?")]
    loop = Loop(shipped.model, shipped.tokenizer, None, Decoding(40, 1.0))
    drawn = loop.run(prompts, notes=TokenNotes())
    texts = [(p, d.token_ids) for p, d in zip(prompts, drawn, strict=True)]
    for notes, noted in zip(scored(shipped.model, texts), drawn, strict=True):
        assert notes.ids == noted.token_ids
        assert notes.logprobs == pytest.approx(noted.logprobs, abs=1e-4)
        assert notes.entropies == pytest.approx(noted.entropies, abs=1e-4)
        assert notes.confidences == pytest.approx(noted.confidences, abs=1e-4)


def test_other_tokens_have_other_notes(shipped: Reasoner) -> None:
    prompt = shipped.prompt("What is 3 + 4?")
    one, other = scored(shipped.model, [(prompt, [5, 6, 7]), (prompt, [5, 9, 7])])
    assert one.logprobs[0] == pytest.approx(other.logprobs[0], abs=1e-5)
    assert one.logprobs[1] != pytest.approx(other.logprobs[1], abs=1e-3)
    assert one.entropies[2] != pytest.approx(other.entropies[2], abs=1e-3)

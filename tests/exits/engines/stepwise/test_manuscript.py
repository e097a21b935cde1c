"""A text written step by step is the loop's own, whatever is drafted or read between."""

from typing import Any

import pytest
import torch

from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.loop import Loop
from probexit.exits.engines.stepwise.manuscript import Manuscript
from probexit.exits.engines.track import Track
from probexit.hooks.cues.every_k import EveryK
from probexit.hooks.models import Reasoner
from probexit.hooks.think_tags import ThinkTags

HOT = Decoding(40, temperature=1.0)


@pytest.fixture(params=["llama", "gpt2"])
def reasoner(request: Any, lively: Any, words: Any) -> Reasoner:
    return Reasoner(lively(request.param), words, ThinkTags(), " so", "tiny", answer_tokens=4)


def opened(reasoner: Reasoner, prompt: list[int], key: int = 0) -> Manuscript:
    return Manuscript(reasoner, prompt, HOT, EveryK(4), key)


@torch.inference_mode()
def test_drafts_kept_as_they_come_are_the_loop(reasoner: Reasoner, prompts: Any) -> None:
    alone = Loop(reasoner.model, reasoner.tokenizer, None, HOT).run(prompts[:5], range(5))
    for key, prompt in enumerate(prompts[:5]):
        text = opened(reasoner, prompt, key)
        while not text.done:
            text.keep(text.draft())
        assert text.ids == alone[key].token_ids
        assert text.charged == 0


@torch.inference_mode()
def test_what_is_thrown_away_leaves_no_trace(reasoner: Reasoner, prompts: Any) -> None:
    for prompt in prompts[:4]:
        text = opened(reasoner, prompt)
        first = text.draft(1)
        text.draft(2)
        text.keep(first)
        asked = text.aside([20, 21])
        assert text.charged == 2
        fresh = Track(reasoner.model, prompt).follow([*prompt, *first.ids, 20, 21])[-1]
        assert torch.allclose(asked, fresh, atol=1e-4)
        after = text.aside([])
        fresh = Track(reasoner.model, prompt).follow([*prompt, *first.ids])[-1]
        assert torch.allclose(after, fresh, atol=1e-4)


@torch.inference_mode()
def test_candidates_differ_and_come_again(reasoner: Reasoner, prompts: Any) -> None:
    text = opened(reasoner, prompts[0])
    drafts = [text.draft(candidate).ids for candidate in (0, 1, 2, 3, 1)]
    assert drafts[4] == drafts[1]
    assert len(set(drafts)) > 2


@torch.inference_mode()
def test_an_exit_closes_and_answers(reasoner: Reasoner, prompts: Any) -> None:
    text = opened(reasoner, prompts[1])
    assert text.may_leave
    text.leave()
    closing = reasoner.closing_ids()
    assert text.ids[: len(closing)] == closing
    assert text.ids[len(closing)] not in reasoner.eos
    assert text.closed
    assert text.done
    assert not text.may_leave

"""SpecReason's published judge: worked examples, and what it is shown."""

from typing import Any

import pytest
import torch

from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.two_models import prompted_score
from probexit.exits.engines.two_models.pair import ModelPair
from probexit.exits.engines.two_models.prompted_score import MeanPromptedScore, PromptedScore
from probexit.exits.engines.two_models.spec_reason import SpecReason
from probexit.hooks.cues.every_k import EveryK

SEVEN = [("7", 0.5), ("8", 0.2), ("6", 0.2), ("the", 0.1)]
WORD = [("the", 0.6), ("7", 0.2), ("9", 0.2)]


def test_worked_examples() -> None:
    assert PromptedScore().score(SEVEN) == 7
    assert MeanPromptedScore().score(SEVEN) == pytest.approx(7.0)
    assert PromptedScore().score(WORD) == 0  # the likeliest reply is no digit
    assert MeanPromptedScore().score(WORD) == pytest.approx(8.0)
    assert MeanPromptedScore().score([("the", 0.9), ("10", 0.1)]) == 0


def test_the_likeliest_replies(words: Any) -> None:
    logits = torch.full((len(words),), -9.0)
    logits[[3, 5]] = torch.tensor([1.0, 2.0])
    (first, p), (second, q), *rest = prompted_score.likeliest(logits, words)
    assert [first, second] == [words.decode([5]).strip(), words.decode([3]).strip()]
    assert p > q
    assert len(rest) == 8


def test_the_judge_sees_the_question_what_was_kept_and_the_step(
    lively: Any, words: Any, prompts: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    digits = iter("959")

    def reply(_: torch.Tensor, tokenizer: Any) -> list[tuple[str, float]]:
        return [(next(digits), 1.0)]

    monkeypatch.setattr(prompted_score, "likeliest", reply)
    read = PromptedScore._ids
    monkeypatch.setattr(PromptedScore, "_ids", lambda self, d: asked.append(d) or read(self, d))
    pair = ModelPair(lively("llama"), lively("llama"), words)
    judge = PromptedScore("{question}|{before}|{step}|", "")
    text = SpecReason(7.0, judge, EveryK(4)).write(pair, prompts[0], Decoding(12))
    assert (text.judged, text.accepted) == (3, 2)
    assert [draft.before for draft in asked] == [
        [*prompts[0], *text.token_ids[:n]] for n in (0, 4, 8)
    ]
    assert list(asked[0].ids) == text.token_ids[:4]  # kept
    assert {draft.prompt for draft in asked} == {len(prompts[0])}
    assert text.large.read >= sum(len(read(judge, draft)) for draft in asked)


def test_a_question_without_the_texts_is_refused() -> None:
    with pytest.raises(ValueError, match="must hold"):
        PromptedScore("Is {step} good?")

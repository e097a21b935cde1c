"""Solve-Detect-Verify: the reference's examples, and what is sent back with scripted judges."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.stepwise.base import Assignment
from probexit.exits.engines.stepwise.detectors import AskedSolver, Detector, says_yes
from probexit.exits.engines.stepwise.manuscript import Manuscript
from probexit.exits.engines.stepwise.solution_verifiers import (
    AskedVerifier,
    FlexibleBudget,
    SolutionVerdict,
    SolutionVerifier,
    majority,
    numbered,
    verdict_in,
)
from probexit.exits.engines.stepwise.solve_detect_verify import SolveDetectVerify, winner
from probexit.hooks.models import Reasoner
from probexit.hooks.think_tags import ThinkTags

HOT = Decoding(60, temperature=1.0)
RIGHT, WRONG = SolutionVerdict(True), SolutionVerdict(False, 3)


@pytest.mark.parametrize(
    ("yes", "no", "complete"),
    [(-0.4, -1.2, True), (-1.2, -0.4, False), (-0.4, -90.0, True), (-90.0, -0.4, False)],
)
def test_yes_must_be_likelier_than_no(yes: float, no: float, complete: bool) -> None:
    logits = torch.full((20,), -3.0)
    logits[5], logits[6] = yes, no
    assert says_yes(logits, 5, 6) is complete


def test_neither_among_the_ten_likeliest_is_no_yes() -> None:
    assert not says_yes(torch.cat([torch.zeros(12), torch.tensor([-9.0, -9.1])]), 12, 13)


def test_agreement_is_among_readable_runs() -> None:
    assert majority([WRONG, WRONG, WRONG, RIGHT]) == (WRONG, 0.75)
    assert majority([RIGHT, RIGHT, RIGHT, None]) == (RIGHT, 1.0)
    assert majority([None, None]) == (None, 0.0)


def test_replies_are_read() -> None:
    assert verdict_in(r"so \boxed{2}, no: \boxed{-1}") == RIGHT
    assert verdict_in(r"\boxed{ 3 }") == WRONG
    assert verdict_in("three") is None
    assert numbered("a\n\nb") == "[0] a\n\n[1] b"


@dataclass
class Judge(SolutionVerifier):
    """Says what it is told to, run by run."""

    fast: list[SolutionVerdict | None]
    slow: list[SolutionVerdict | None]
    asked: list[bool] = field(default_factory=list)

    def judge(self, text: Manuscript, slow: bool, run: int) -> SolutionVerdict | None:
        self.asked.append(slow)
        return (self.slow if slow else self.fast)[run]


@pytest.mark.parametrize(
    ("fast", "slow", "found", "runs"),
    [
        ([WRONG, WRONG, WRONG, RIGHT], [RIGHT], RIGHT, 5),  # .75 < .9: the slow run decides
        ([RIGHT, RIGHT, RIGHT, None], [WRONG], RIGHT, 4),
        ([None] * 4, [None], None, 5),
    ],
)
def test_slow_runs_only_where_fast_ones_disagree(
    fast: Any, slow: Any, found: Any, runs: int
) -> None:
    judge, text = Judge(fast, slow), Any
    assert FlexibleBudget().verdict(judge, text) == found  # type: ignore[arg-type]
    assert len(judge.asked) == runs


@dataclass
class At(Detector):
    """Finds the solution complete when it is asked for the n-th time in one text."""

    n: int
    asked: list[int] = field(default_factory=list)

    def complete(self, text: Manuscript) -> bool:
        self.asked.append(id(text))
        return self.asked.count(id(text)) >= self.n


@pytest.fixture
def reasoner(lively: Any, words: Any) -> Reasoner:
    return Reasoner(lively("llama"), words, ThinkTags(), " so", "tiny", answer_tokens=4)


def everywhere(words: Any) -> tuple[str, ...]:
    """Every word is a hesitation, so that the detector is asked often."""
    return tuple(f"w{i}" for i in range(11, 128))


def engine(detector: Detector, fast: SolutionVerdict, words: Any) -> SolveDetectVerify:
    judge = Judge([fast] * 4, [fast])
    return SolveDetectVerify(detector, judge, feedback="", words=everywhere(words))


def test_the_detector_ends_the_thinking(reasoner: Reasoner, words: Any, prompts: Any) -> None:
    never, at_once = (
        engine(At(n), RIGHT, words).write(reasoner, Assignment(prompts[0]), HOT) for n in (999, 3)
    )
    assert at_once.closed
    assert not never.closed
    assert at_once.charged == never.charged == 0
    same = [a == b for a, b in zip(at_once.token_ids, never.token_ids, strict=False)].index(False)
    closing = reasoner.closing_ids()
    assert at_once.token_ids[same : same + len(closing)] == closing


def test_a_rejected_solution_is_written_anew_and_charged(
    reasoner: Reasoner, words: Any, prompts: Any
) -> None:
    asked = Assignment(prompts[1])
    kept = engine(At(3), RIGHT, words).write(reasoner, asked, HOT)
    sent = engine(At(3), WRONG, words).write(reasoner, asked, HOT)
    assert kept.charged == 0
    assert sent.token_ids != kept.token_ids
    # the first solution and three of the four new ones
    assert sent.charged >= len(kept.token_ids) + 3 * 4


def texts_of(*lengths: int, charged: int = 0) -> list[Any]:
    return [SimpleNamespace(ids=[0] * n, charged=charged, closed=n == 5) for n in lengths]


def test_every_text_but_the_one_that_stands_is_charged_and_all_that_was_read_aside() -> None:
    (first,), others = texts_of(7, charged=2), texts_of(3, 5, 4, charged=10)
    Manuscript.give_way(first, others, 1)
    assert first.ids == others[1].ids
    assert first.closed
    assert first.charged == 2 + 7 + 3 * 10 + (3 + 4)


def test_the_first_of_the_majority_stands() -> None:
    def saying(answer: str) -> Any:
        reasoner = SimpleNamespace(after_thinking=lambda ids: answer)
        return SimpleNamespace(ids=[], reasoner=reasoner)

    five, seven, none = (f"The answer is {n}." for n in ("5", "7", "not clear"))
    assert winner([saying(said) for said in (none, five, seven, none, seven)]) == 2
    assert winner([saying(said) for said in (seven, five)]) == 0
    assert winner([saying(none), saying(none)]) == 0


@torch.inference_mode()
def test_asking_the_model_costs_what_it_reads(shipped_like: Any) -> None:
    text = shipped_like
    text.question = "w20 w21"
    AskedSolver().complete(text)
    first = text.charged
    assert first > len(text.ids)
    AskedVerifier(longest=5).judge(text, False, 0)
    assert text.charged - first > 5


@pytest.fixture
@torch.inference_mode()
def shipped_like(reasoner: Reasoner, words: Any, prompts: Any, monkeypatch: Any) -> Manuscript:
    """A text by a model with a chat template."""
    template = "{% for message in messages %}{{ message.content }}{% endfor %}<think>"
    monkeypatch.setattr(words, "chat_template", template, raising=False)
    text = Manuscript(reasoner, prompts[2], HOT, engine(At(1), RIGHT, words).steps)
    text.keep(text.draft())
    return text


@torch.inference_mode()
def test_the_verdict_goes_back_in_a_prompt_that_is_charged(
    shipped_like: Any, reasoner: Reasoner
) -> None:
    shipped_like.question = "w20 w21"
    judge = Judge([WRONG] * 4, [WRONG])
    sends_back = SolveDetectVerify(At(999), judge, feedback="{question} w{index}")
    new = sends_back._again(shipped_like, WRONG, 0)
    assert new.prompt == reasoner.prompt("w20 w21 w3")
    assert new.question == "w20 w21"
    assert new.charged == len(new.prompt)

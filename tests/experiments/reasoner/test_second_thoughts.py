"""Redundant second thoughts: what the traces hold, and that suppressing them has an effect."""

import random

import pytest
import torch

from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.generation import Generation
from probexit.exits.engines.loop import Loop
from probexit.exits.interventions.no_wait import WORDS as SUPPRESSED
from probexit.exits.interventions.no_wait import NoWait
from probexit.experiments.reasoner.grammar import FAMILIES, problem
from probexit.experiments.reasoner.second_thoughts import MOST, WORDS, second_thoughts
from probexit.experiments.reasoner.training.data import Encoder
from probexit.experiments.reasoner.training.hesitant import draw
from probexit.experiments.recording.tasks.by_name import task
from probexit.hooks.models import Reasoner, Source, load

NUMBER = 12


def test_the_first_pass_is_right_and_nothing_after_it_changes_that() -> None:
    rng = random.Random(0)
    for family in FAMILIES:
        for _ in range(40):
            drawn = problem(rng, family, "known")
            assert not set(drawn.operations) & set(FAMILIES[family].rare)
            written, starts = second_thoughts(rng, drawn)
            stated = [part.split(".")[0] for part in written.text.split("the answer is ")[1:]]
            assert stated == [drawn.gold] * (len(starts) + 2)  # the first pass, each, and the end
            assert len(starts) <= MOST
            assert all(loss for _, loss in written.segments)


def test_every_word_is_on_the_published_list() -> None:
    assert {word.lower() for word in WORDS} <= set(SUPPRESSED)


def test_when_it_ends_is_told_by_nothing() -> None:
    """The chance to go on is the same whatever was found out: the control is that it varies."""
    rng = random.Random(1)
    counts = [len(second_thoughts(rng, problem(rng, "arith", "known"))[1]) for _ in range(400)]
    for k in range(3):
        reached = [count for count in counts if count >= k]
        assert sum(count > k for count in reached) / len(reached) == pytest.approx(0.8, abs=0.08)


@pytest.fixture(scope="module")
def hesitant() -> Reasoner:
    return load(Source("shipped-hesitant"))


def test_lessons_are_encoded_piece_by_piece(hesitant: Reasoner) -> None:
    rng, encoder = random.Random(2), Encoder(hesitant.tokenizer)
    for _ in range(40):
        drawn, written = draw(rng)
        ids, _ = encoder.example(drawn, written)
        assert hesitant.tokenizer.encode(hesitant.tokenizer.decode(ids)) == ids


def write(reasoner: Reasoner, change: bool) -> tuple[float, int]:
    """Let a reasoner think about redundant problems; return mean tokens, and how many are right."""
    items = [item for item, _ in zip(task("arith:known").items(), range(NUMBER), strict=False)]
    rule = NoWait().bind(reasoner.tokenizer, reasoner.tags)
    loop = Loop(
        reasoner.model, reasoner.tokenizer, None, Decoding(400, 1.0), [rule] if change else []
    )
    done: list[Generation] = loop.run([reasoner.prompt(item.question) for item in items])
    texts = [reasoner.tokenizer.decode(one.token_ids) for one in done]
    told = [f"</think>\n\nThe answer is {item.gold}." for item in items]
    right = sum(end in text for end, text in zip(told, texts, strict=True))
    return sum(len(one.token_ids) for one in done) / NUMBER, right


def test_suppression_shortens_its_thinking_and_costs_nothing(
    hesitant: Reasoner, shipped: Reasoner
) -> None:
    """The control: the shipped reasoner writes "Actually" in their place, and saves nothing."""
    torch.manual_seed(0)
    (free, right), (bound, still) = write(hesitant, False), write(hesitant, True)
    assert bound < 0.6 * free
    assert still >= right - 2
    assert right >= 0.85 * NUMBER
    (alone, _), (other, _) = write(shipped, False), write(shipped, True)
    assert other > 0.8 * alone

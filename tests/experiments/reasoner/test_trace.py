import random
import re

import pytest

from probexit.experiments.reasoner.family import DIFFICULTIES
from probexit.experiments.reasoner.grammar import FAMILIES, Problem, problem
from probexit.experiments.reasoner.interrupt import interrupt
from probexit.experiments.reasoner.trace import (
    CUES,
    MOST_CHECKS,
    PATIENT,
    Thinking,
    WrittenTrace,
    trace,
)

EQUATION = re.compile(r"(\w+) ((?:[-+*] )?\w+) = (\w+)")


REPAIRING = [name for name in DIFFICULTIES if name not in ("known", "redundant")]
"""Difficulties with rare steps enough to be got wrong, and repaired."""


def samples(family: str, number: int = 150) -> list[tuple[Problem, WrittenTrace, tuple[int, ...]]]:
    rng = random.Random(f"tests {family}")
    drawn = [problem(rng, family, rng.choice(REPAIRING)) for _ in range(number)]
    return [(p, *trace(rng, p)) for p in drawn]


@pytest.mark.parametrize("family", FAMILIES)
def test_what_carries_loss_is_true(family: str) -> None:
    rules = FAMILIES[family]
    seen = 0
    for _, thinking, _ in samples(family):
        statement = ""
        for text, loss in thinking.segments:
            statement = statement + text if statement.endswith("=") else text
            found = EQUATION.fullmatch(statement.strip())
            if found and loss:
                assert rules.apply(found[2], found[1]) == found[3]
                seen += 1
    assert seen > 1000


@pytest.mark.parametrize("family", FAMILIES)
def test_single_step_results_of_unknown_facts_never_carry_loss(family: str) -> None:
    rules = FAMILIES[family]
    unknown = 0
    for _, thinking, _ in samples(family):
        for (before, _), (_, loss) in zip(thinking.segments, thinking.segments[1:], strict=False):
            found = re.fullmatch(r" (\w+) ((?:[-+*] )?\w+) =", before)
            if found and (found[2], found[1]) in rules.unknown:
                assert not loss
                unknown += 1
    assert unknown > 50


@pytest.mark.parametrize("family", FAMILIES)
def test_thinking_repairs_most_first_answers(family: str) -> None:
    drawn = samples(family, 400)
    first = [p.gold == t.text.split("answer is ")[1].split(".")[0] for p, t, _ in drawn]
    final = [p.gold == t.answer for p, t, _ in drawn]
    assert sum(first) < 0.65 * len(drawn)
    assert sum(final) > 0.95 * len(drawn)


def test_a_derived_step_is_right_and_stays_derived() -> None:
    thinking = Thinking(problem(random.Random(2), "arith", "hard"), random.Random(3))
    thinking.run(0)
    for step in list(thinking.rare):
        thinking.check(step)
        operation = thinking.operations[step]
        assert thinking.values[step + 1] == thinking.family.apply(operation, thinking.values[step])
    assert thinking.pending() == []
    assert thinking.answer == thinking.problem.gold


def test_the_wish_to_stop_follows_what_is_known() -> None:
    thinking = Thinking(problem(random.Random(2), "arith", "hard"), random.Random(3))
    thinking.run(0)
    assert thinking.stop_chance(1, PATIENT) == 0
    waiting = thinking.stop_chance(3, PATIENT)
    thinking.repeat()
    settled = []
    for idle in range(7):
        thinking.idle = idle
        settled.append(thinking.stop_chance(3, PATIENT))
    assert waiting < 0.1
    assert settled == sorted(settled)
    assert settled[-1] > 0.9
    assert thinking.stop_chance(9, PATIENT) >= 0.75


def test_cue_words_say_nothing_about_the_answer() -> None:
    right: dict[str, list[bool]] = {word: [] for word in CUES}
    for drawn, thinking, starts in samples("arith", 1500):
        for start in starts:
            before = "".join(text for text, _ in thinking.segments[:start])
            word = thinking.segments[start + 1][0]
            right[word].append(before.split("answer is ")[-1] == f"{drawn.gold}.")
    shares = [sum(hits) / len(hits) for hits in right.values()]
    assert max(shares) - min(shares) < 0.05


def test_every_recheck_begins_with_a_cue_and_names_a_step_or_the_start() -> None:
    for _, thinking, starts in samples("coins"):
        paragraphs = thinking.text.split("\n\n")
        assert len(paragraphs) == len(starts) + 1 <= MOST_CHECKS + 1
        opening = re.compile(rf"({'|'.join(CUES)}), (\(\d\) (again|slowly):|from the start:)")
        assert all(opening.match(paragraph) for paragraph in paragraphs[1:])


def test_an_interrupted_trace_answers_with_what_it_said_last() -> None:
    rng = random.Random(11)
    lengths = set()
    for drawn, full, starts in samples("spell", 400):
        cut = interrupt(rng, drawn, full, starts)
        assert cut.forced
        assert full.text.startswith(cut.text)
        stated = re.findall(r"answer is (\w+)", cut.text)
        assert cut.answer == (stated[-1] if stated else drawn.gold)
        lengths.add(len(cut.segments))
    assert 0 in lengths
    assert len(lengths) > 20

import random

import pytest

from probexit.experiments.reasoner.family import DIFFICULTIES, ProblemFamily
from probexit.experiments.reasoner.grammar import FAMILIES, problem

families = pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)


@families
def test_every_operation_is_total_and_stays_inside(family: ProblemFamily) -> None:
    assert {"arith", "spell", "coins"} == set(FAMILIES)
    for operation in (*family.common, *family.rare):
        assert {family.apply(operation, state) for state in family.states} <= set(family.states)


@families
def test_rare_operations_are_two_or_three_frequent_ones(family: ProblemFamily) -> None:
    for operation in family.rare:
        parts = family.parts(operation)
        assert 2 <= len(parts) <= 3
        assert set(parts) <= set(family.common)


def test_rare_arithmetic_equals_what_its_name_says() -> None:
    family = FAMILIES["arith"]
    for operation in (*family.common, *family.rare):
        sign, amount = operation.split()
        for state in range(23):
            value = {
                "+": state + int(amount),
                "-": state - int(amount),
                "*": state * int(amount),
            }[sign]
            assert family.apply(operation, str(state)) == str(value % 23)


@pytest.mark.parametrize("name", ["spell", "coins"])
def test_no_two_operations_do_the_same(name: str) -> None:
    family = FAMILIES[name]
    effects = [
        tuple(family.apply(operation, state) for state in family.states)
        for operation in (*family.common, *family.rare)
    ]
    assert len(set(effects)) == len(effects)
    assert family.states not in effects


@families
def test_unknown_facts_are_the_stated_share_of_the_rare_ones(family: ProblemFamily) -> None:
    total = len(family.rare) * len(family.states)
    assert len(family.unknown) == round(family.unknown_share * total)
    assert {operation for operation, _ in family.unknown} <= set(family.rare)


@families
@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_gold_is_what_the_operations_give(family: ProblemFamily, difficulty: str) -> None:
    rng = random.Random(5)
    knob = DIFFICULTIES[difficulty]
    for _ in range(50):
        drawn = problem(rng, family.name, difficulty)
        state = drawn.start
        for operation in drawn.operations:
            state = family.apply(operation, state)
        assert state == drawn.gold
        assert knob.shortest <= len(drawn.operations) <= knob.longest
        assert all(family.wording(operation) in drawn.question for operation in drawn.operations)


def test_the_same_seed_gives_the_same_problem() -> None:
    assert problem(random.Random(7)) == problem(random.Random(7))
    assert problem(random.Random(7)) != problem(random.Random(8))


@pytest.mark.parametrize(("family", "difficulty"), [("chess", "default"), ("arith", "absurd")])
def test_unknown_names_are_refused_with_the_choices(family: str, difficulty: str) -> None:
    with pytest.raises(ValueError, match=r"choose one of .*(spell|hard)"):
        problem(random.Random(0), family, difficulty)

"""Problems: a start, a chain of operations, and the exact answer."""

import random
from collections.abc import Mapping
from dataclasses import dataclass

from probexit.experiments.reasoner.arith import ARITH
from probexit.experiments.reasoner.coins import COINS
from probexit.experiments.reasoner.family import DIFFICULTIES, ProblemFamily
from probexit.experiments.reasoner.spell import SPELL

FAMILIES: Mapping[str, ProblemFamily] = {family.name: family for family in (ARITH, SPELL, COINS)}


@dataclass(frozen=True)
class Problem:
    """One question with its answer."""

    family: str
    difficulty: str
    start: str
    operations: tuple[str, ...]
    gold: str

    @property
    def question(self) -> str:
        """The text for the user's turn."""
        family = FAMILIES[self.family]
        steps = [f"({i}) {family.wording(o)}." for i, o in enumerate(self.operations, 1)]
        return " ".join([family.opening.format(self.start), *steps, family.closing])


def _choose(known: Mapping[str, object], key: str, what: str) -> None:
    if key not in known:
        raise ValueError(f"unknown {what} {key!r}: choose one of {', '.join(known)}")


def problem(rng: random.Random, family: str = "arith", difficulty: str = "default") -> Problem:
    """Draw a problem; the same state of `rng` gives the same problem."""
    _choose(FAMILIES, family, "family")
    _choose(DIFFICULTIES, difficulty, "difficulty")
    rules, knob = FAMILIES[family], DIFFICULTIES[difficulty]
    common, rare = tuple(rules.common), tuple(rules.rare)
    length = rng.randint(knob.shortest, knob.longest)
    least, most = knob.rare
    share = least if least == most else rng.uniform(least, most)
    operations = tuple(rng.choice(rare if rng.random() < share else common) for _ in range(length))
    start = state = rng.choice(rules.states)
    for operation in operations:
        state = rules.apply(operation, state)
    return Problem(family, difficulty, start, operations, state)

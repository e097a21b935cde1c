"""What a task family is: a finite set of states, and operations that map states to states."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

Fact = tuple[str, str]
"""An operation and the state it meets."""


@dataclass(frozen=True)
class Difficulty:
    """How long a problem is, and what share of its operations is rare.

    The share is drawn for every problem from ``rare``, a least and a most. Where the two are equal
    nothing is drawn.
    """

    shortest: int
    longest: int
    rare: tuple[float, float]


DIFFICULTIES: Mapping[str, Difficulty] = {
    "easy": Difficulty(2, 3, (0.4, 0.4)),
    "default": Difficulty(4, 6, (0.0, 1.0)),
    "even": Difficulty(4, 6, (0.5, 0.5)),
    "hard": Difficulty(7, 9, (0.5, 0.5)),
    "known": Difficulty(4, 6, (0.0, 0.0)),
    "redundant": Difficulty(4, 6, (0.0, 0.1)),
}
"""Default problems differ much in how many checks they need, so that counting cues tells little.

Known ones hold no rare operation: the first pass is right, and each second thought redundant. The
redundant ones hold few, so that a probe finds some wrong answers to learn from. They are made for
rules that suppress second thoughts (``second_thoughts.py``).
"""

TRAINED = ("easy", "even", "hard")
"""What training and the tokenizer see."""


@dataclass(frozen=True)
class ProblemFamily:
    """Problems of one texture.

    Frequent operations are given as tables. Rare ones are only given as sequences of frequent
    ones: so each of them can be worked out slowly, and its single-step result has to be recalled.

    Attributes:
        name: the key of the family.
        states: every state; each one is a single token behind a space.
        common: for every frequent operation, its table.
        rare: for every rare operation, the frequent ones it consists of.
        opening: the first sentence of a question, with `{}` for the start.
        verb: how a question asks for an operation, with `{}` for its name.
        closing: the last sentence of a question.
        unknown_share: the share of rare facts whose single-step result is never taught.
    """

    name: str
    states: tuple[str, ...]
    common: Mapping[str, Mapping[str, str]]
    rare: Mapping[str, tuple[str, ...]]
    opening: str
    verb: str
    closing: str
    unknown_share: float

    def parts(self, operation: str) -> tuple[str, ...]:
        """Write an operation as frequent ones."""
        return self.rare.get(operation, (operation,))

    def apply(self, operation: str, state: str) -> str:
        """Give the state that follows."""
        for part in self.parts(operation):
            state = self.common[part][state]
        return state

    def wording(self, operation: str) -> str:
        """Say an operation the way a question does."""
        return self.verb.format(operation)

    @cached_property
    def unknown(self) -> frozenset[Fact]:
        """The rare facts that the model is never taught; the same in every run."""
        rng = random.Random(f"unknown facts of {self.name}")
        facts = [(operation, state) for operation in self.rare for state in self.states]
        return frozenset(rng.sample(facts, round(self.unknown_share * len(facts))))

"""What the shipped reasoner's task families have in common."""

import random
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from probexit.experiments.reasoner.grammar import problem
from probexit.experiments.recording.tasks.base import Item, Task, content_id

PATIENCE = 10_000
"""After this many draws in a row that were all known the family counts as exhausted."""


@dataclass(frozen=True)
class FamilyTask(Task):
    """Problems made on the spot: the k-th is the same however many are asked for.

    The variant "redundant" is made for rules that suppress re-checks: few steps are rare, nearly
    every first pass is right, and hardly anything is lost by thinking no further. "known" has no
    rare step at all (see `reasoner/second_thoughts.py`).

    A problem has the same id under every seed, so that two runs never hold one under two names.
    """

    variants: ClassVar[tuple[str, ...]] = ("easy", "default", "hard", "redundant", "known")

    @property
    @abstractmethod
    def family(self) -> str:
        """The family's name in the grammar."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.data is not None:
            raise ValueError(f"task {self.family} makes its problems: leave out --data {self.data}")

    def items(self) -> Iterator[Item]:
        difficulty = self.variant or "default"
        known: set[str] = set()
        draw = last = 0
        while draw - last < PATIENCE:
            rng = random.Random(f"{self.family} {difficulty} {self.seed} {draw}")
            drawn = problem(rng, self.family, difficulty)
            draw += 1
            if drawn.question not in known:
                known.add(drawn.question)
                last = draw
                name = content_id(self.family, drawn.question)
                yield Item(name, drawn.question, drawn.gold)
        raise ValueError(
            f"task {self.family}:{difficulty} has about {len(known)} different problems: "
            "ask for fewer, or for a harder variant"
        )

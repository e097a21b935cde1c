"""The traces the reasoner is taught: fast recall errs, slow derivation corrects.

The first pass recalls every step. Each re-check then works out one rare step from frequent ones;
what has been worked out once is worked out whenever it is met again. Values that the model is not
to learn, wrong ones and those of unknown facts, carry no loss: it learns truths only, and has to
guess what it was never taught. When to stop depends on what is still only recalled. That ties the
model's wish to stop to its knowledge, which is what a probe reads.
"""

import random
from dataclasses import dataclass, field

from probexit.experiments.reasoner.grammar import FAMILIES, Problem

Segment = tuple[str, bool]
"""A piece of text, and whether it carries loss."""

CUES = ("Wait", "Hmm", "Actually", "Alternatively")
MANNERS = ("again", "slowly")
WRONG_UNKNOWN = 0.72
WRONG_KNOWN = 0.08
MOST_CHECKS = 14
REPEAT = 0.07
ASTRAY = 0.1


@dataclass(frozen=True)
class Stopping:
    """How likely the thinking ends after a stated answer.

    Attributes:
        least: Re-checks before it may end.
        unknown: Chance while a step is only guessed.
        known: Chance while a step is only recalled.
        derived: Chance once all is worked out, by the number of re-checks since.
        long: Re-checks from which the chance is at least ``STOP_LONG``, so that it ends at all.
    """

    least: int
    unknown: float
    known: float
    derived: tuple[float, ...]
    long: int


STOP_LONG = 0.75
PATIENT = Stopping(2, 0.02, 0.05, (0.03, 0.1, 0.25, 0.55, 0.85, 0.95), 9)
"""Ends when all is worked out; what the reasoner learns to reason by."""
HASTY = Stopping(0, 0.12, 0.1, (0.02, 0.04, 0.07, 0.15, 0.35, 0.65, 0.9), 10)
"""Gives up now and then with steps unchecked, and otherwise makes sure for longer; its last lesson.

Without it the full run is right 99 times in 100, and no exit rule could ever do better.
"""


@dataclass
class Thinking:
    """A trace in the making: what was said, and which steps were worked out slowly."""

    problem: Problem
    rng: random.Random
    segments: list[Segment] = field(default_factory=list)
    slow: set[int] = field(default_factory=set)
    guesses: dict[tuple[str, str], str] = field(default_factory=dict)
    idle: int = 0

    def __post_init__(self) -> None:
        self.family = FAMILIES[self.problem.family]
        self.operations = self.problem.operations
        self.values = [self.problem.start] * (len(self.operations) + 1)
        self.rare = [k for k, o in enumerate(self.operations) if o in self.family.rare]

    @property
    def answer(self) -> str:
        """The answer as it stands."""
        return self.values[-1]

    def say(self, text: str, loss: bool = True) -> None:
        """Append a piece of text."""
        self.segments.append((text, loss))

    def unknown(self, step: int) -> bool:
        """Whether a step is one the model can only guess."""
        return (self.operations[step], self.values[step]) in self.family.unknown

    def pending(self) -> list[int]:
        """List rare steps not worked out yet, guessed ones before recalled ones."""
        left = [k for k in self.rare if k not in self.slow]
        return sorted(left, key=lambda k: (not self.unknown(k), k))

    def recall(self, step: int) -> None:
        """State a step's result in one go: true for frequent operations, perhaps wrong for rare."""
        operation, state = self.operations[step], self.values[step]
        truth = self.family.apply(operation, state)
        value = self._guess(operation, state, truth) if step in self.rare else truth
        self.say(f" {state} {operation} =")
        self.say(f" {value}", value == truth and not self.unknown(step))
        self.values[step + 1] = value

    def _guess(self, operation: str, state: str, truth: str) -> str:
        if (operation, state) not in self.guesses:
            known = (operation, state) not in self.family.unknown
            wrong = self.rng.random() < (WRONG_KNOWN if known else WRONG_UNKNOWN)
            others = [s for s in self.family.states if s != truth]
            self.guesses[operation, state] = self.rng.choice(others) if wrong else truth
        return self.guesses[operation, state]

    def derive(self, step: int) -> None:
        """Work a step out from frequent operations."""
        state = self.values[step]
        for index, part in enumerate(self.family.parts(self.operations[step])):
            result = self.family.apply(part, state)
            self.say("," if index else "")
            self.say(f" {state} {part} = {result}")
            state = result
        self.values[step + 1] = state
        self.slow.add(step)

    def run(self, first: int) -> None:
        """Go through the steps from `first` on, and conclude."""
        for step in range(first, len(self.operations)):
            self.say(f" ({step + 1})")
            if step in self.slow:
                self.derive(step)
            else:
                self.recall(step)
            self.say(".")
        self.conclude()

    def conclude(self) -> None:
        """State the answer."""
        self.say(" So the answer is")
        self.say(f" {self.answer}")
        self.say(".")

    def check(self, step: int) -> None:
        """Work one step out, and redo what follows if it had only been recalled before."""
        redo = step in self.rare and step not in self.slow
        self.say(f" ({step + 1}) {self.rng.choice(MANNERS)}:")
        self.derive(step)
        self.say(".")
        if redo:
            self.run(step + 1)
        else:
            self.conclude()

    def repeat(self) -> None:
        """Start over, working everything rare out."""
        self.say(" from the start:")
        self.slow.update(self.rare)
        self.run(0)

    def target(self) -> int:
        """Choose the step to check: the least certain one, or the next rare one in order."""
        if self.rng.random() < ASTRAY:
            return self.rng.randrange(len(self.operations))
        pending = self.pending()
        if pending:
            return pending[0]
        steps = self.rare or range(len(self.operations))
        return steps[self.idle % len(steps)]

    def recheck(self) -> None:
        """Begin a paragraph with a cue and check something."""
        step = self.target()
        done = not self.pending()
        self.say("\n\n")
        self.say(self.rng.choice(CUES))
        self.say(",")
        if self.rng.random() < REPEAT:
            self.repeat()
        else:
            self.check(step)
        self.idle += done

    def stop_chance(self, checks: int, stopping: Stopping) -> float:
        """Give the chance to stop now, from what is still only guessed or recalled."""
        if checks < stopping.least:
            return 0.0
        pending = self.pending()
        if not pending:
            chance = stopping.derived[min(self.idle, len(stopping.derived) - 1)]
        else:
            chance = stopping.unknown if self.unknown(pending[0]) else stopping.known
        return max(chance, STOP_LONG) if checks >= stopping.long else chance


@dataclass(frozen=True)
class WrittenTrace:
    """A finished trace.

    Attributes:
        segments: the thinking, cut where it was interrupted.
        answer: what is said after the thinking.
        forced: whether it was interrupted; then the end of thinking carries no loss.
    """

    segments: tuple[Segment, ...]
    answer: str
    forced: bool = False

    @property
    def text(self) -> str:
        """The thinking as text."""
        return "".join(text for text, _ in self.segments)


def trace(
    rng: random.Random, problem: Problem, stopping: Stopping = PATIENT
) -> tuple[WrittenTrace, tuple[int, ...]]:
    """Sample a whole trace, and say at which segments its re-checks begin."""
    thinking = Thinking(problem, rng)
    thinking.say("First:")
    thinking.run(0)
    starts: list[int] = []
    while len(starts) < MOST_CHECKS and rng.random() >= thinking.stop_chance(len(starts), stopping):
        starts.append(len(thinking.segments))
        thinking.recheck()
    return WrittenTrace(tuple(thinking.segments), thinking.answer), tuple(starts)

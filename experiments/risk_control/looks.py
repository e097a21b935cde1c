"""Looks at a promise: each further one, after more data, spends a part of delta.

"Not certified, record some more, calibrate again" tests several times and stops at the first
success. Look k may fail with chance ``delta / (k (k + 1))``; these sum to delta however often one
looks (a union bound over looks; the sequence of alpha spending without a planned end). The cost is
the first look's half of delta, and less at each later one.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from probexit.calibration.base import Array
from probexit.exits.json_lines import JsonLines
from probexit.exits.locked import locked


@dataclass(frozen=True)
class Question:
    """What is asked of a run; the chance that any of its looks fails is bounded.

    Attributes:
        rule: Name of what is calibrated.
        loss: Name of the loss.
        alpha: Risk that must not be exceeded.
    """

    rule: str
    loss: str
    alpha: float


@dataclass(frozen=True)
class Look:
    """One look.

    Attributes:
        question: What was asked.
        number: Number of the look among those at this question, from 1.
        delta: Chance that any look at the question fails.
        evidence: Hash of what was looked at; the same again is no new look.
        problems: Calibration problems.
        when: UTC, ISO 8601.
    """

    question: Question
    number: int
    delta: float
    evidence: str
    problems: tuple[str, ...]
    when: str

    @property
    def spent(self) -> float:
        """Chance that this look fails."""
        return spending(self.delta, self.number)

    def __str__(self) -> str:
        return (
            f"Look {self.number} at this question in this run: it spends {self.spent:.3g} of "
            f"delta = {self.delta:g}, so that all looks together fail with at most that chance."
        )


def spending(delta: float, number: int) -> float:
    """Return what look ``number``, from 1, spends of ``delta``."""
    return delta / (number * (number + 1))


def evidence(problems: Sequence[str], losses: Array, grid: Array, calibrator: str) -> str:
    """Return a hash of what a calibration sees: ``losses [n, m]`` of problems on ``grid [m]``."""
    found = hashlib.sha256(json.dumps([list(problems), calibrator]).encode())
    for numbers in (losses, grid):
        found.update(np.ascontiguousarray(numbers, dtype=np.float64).tobytes())
    return found.hexdigest()[:32]


Ask = Callable[[float, Sequence[str], str], Look]
"""From delta, the calibration problems and the hash of the evidence to the look that this is."""


def look(
    file: Path, question: Question, delta: float, problems: Sequence[str], digest: str
) -> Look:
    """Return the look at ``question`` on this evidence, appended to the log if it is new.

    Args:
        file: The run's log of looks, one a line.
        question: What is asked.
        delta: Chance that any look at the question may fail.
        problems: Calibration problems.
        digest: Hash of the evidence.

    Raises:
        ValueError: on a line that is no look, or a question asked with another delta before.
    """
    with locked(file, "wait for it"):
        first = next((made for made in read(file) if made.question == question), None)
        if first is not None and first.delta != delta:
            raise ValueError(_another_delta(file, first.delta, delta))
        made = next_look(file, question, delta, problems, digest)
        if made not in lines_of(file).mend():
            lines_of(file).append(json.dumps(asdict(made)))
    return made


def next_look(
    file: Path, question: Question, delta: float, problems: Sequence[str], digest: str
) -> Look:
    """Return what ``look`` would, without noting it: for a table, which deploys nothing.

    A table may certify a row at a share of delta, of which this look then spends its part.

    Raises:
        ValueError: on a line that is no look, or a question asked with a smaller delta before.
    """
    before = [made for made in read(file) if made.question == question]
    if before and before[0].delta < delta:
        raise ValueError(_another_delta(file, before[0].delta, delta))
    now = datetime.now(UTC).isoformat(timespec="seconds")
    new = Look(question, len(before) + 1, delta, digest, tuple(problems), now)
    return next((replace(made, delta=delta) for made in before if made.evidence == digest), new)


def _another_delta(file: Path, first: float, now: float) -> str:
    return (
        f"{file}: this question was first asked with delta {first:g}, not {now:g}: use the same, "
        "since looks share it"
    )


def read(file: Path) -> list[Look]:
    """Read a log of looks; none if there is no file.

    Raises:
        ValueError: naming the line that is no look.
    """
    return lines_of(file).read()


def lines_of(file: Path) -> JsonLines[Look]:
    """Return a log of looks as its lines."""
    return JsonLines(file, _parsed, '{"question": {', "this is no log of looks: restore the file")


def _parsed(line: str) -> Look:
    data: dict[str, Any] = json.loads(line)
    question = Question(**data.pop("question"))
    return Look(question=question, problems=tuple(data.pop("problems")), **data)

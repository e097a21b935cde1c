"""The contract of a benchmark: ratios of two ways, both measured in one run on one machine."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from probexit.calibration.statistics.intervals import Interval
from probexit.hooks.models import Reasoner


@dataclass(frozen=True)
class Measurement:
    """One line of the table.

    Attributes:
        case: What was measured, such as "attach, batch 8"; its name within the benchmark.
        ratio: The ratio and its range.
        of: What was divided by what, such as "seconds with the controller over without".
        rounds: Repetitions that the range is of.
        facts: What else was seen: sizes, whether both ways gave the same.
    """

    case: str
    ratio: Interval
    of: str
    rounds: int
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Benchmark(ABC):
    """Something measured; its fields are its sizes, its name its module's.

    Wall-clock times of a shared machine mean nothing by themselves. What is kept is a ratio of two
    ways that take turns in one process.
    """

    @abstractmethod
    def measure(self, reasoner: Reasoner) -> Iterator[Measurement]:
        """Measure on a loaded model, one line after the other as they are made.

        Raises:
            ValueError: if it cannot be measured here, with the reason.
        """


def spread(ratios: Sequence[float]) -> Interval:
    """Return the median of repeated ratios, with the smallest and the largest of them.

    For independent repetitions this range holds the median of their distribution with probability
    ``1 - 2 ** (1 - n)``: 75 % for three, 97 % for six.

    Raises:
        ValueError: without a ratio.
    """
    if not ratios:
        raise ValueError("no repetition was made: give at least 1 round")
    return Interval(median(ratios), min(ratios), max(ratios))

"""Keep the samples that finish first (short-m@k, arXiv 2505.17813)."""

from collections.abc import Sequence
from dataclasses import dataclass

from probexit.exits.samples.base import Sample, SampleRule, State


@dataclass(frozen=True)
class ShortM(SampleRule):
    """Stop all others once ``m`` samples have finished; these vote.

    ``m = 1`` is First Finish Search (arXiv 2505.18149). Of more than ``m`` that finish with the
    same token, the first in order vote. A sample cut at the token limit has not finished.

    Attributes:
        m: Finishers that are waited for.
    """

    m: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.m <= self.k:
            raise ValueError(f"m={self.m} must lie between 1 and k={self.k}")

    def stop(self, group: Sequence[Sample]) -> list[int]:
        if len(_finished(group)) < self.m:
            return []
        return [i for i, sample in enumerate(group) if sample.state is State.RUNNING]

    def weights(self, group: Sequence[Sample]) -> list[float]:
        first = sorted(_finished(group), key=lambda i: group[i].tokens)[: self.m]
        return [float(i in first) for i in range(len(group))]


def _finished(group: Sequence[Sample]) -> list[int]:
    return [i for i, sample in enumerate(group) if sample.state is State.FINISHED]

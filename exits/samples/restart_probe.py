"""How likely no fresh sample would better this one (adaptive compute, arXiv 2410.02725)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from probexit.probes.base import Probe
from probexit.probes.logistic import Logistic


@dataclass(frozen=True)
class RestartProbe:
    """Scores a finished sample: the chance that a fresh one is *not* better.

    This is not the chance that it is right: where every sample is wrong, restarting is useless, and
    the score is high. The label of a pair (this sample, a fresh one of the same problem) is 0 where
    this one is wrong and the fresh one right, else 1.

    Attributes:
        probe: Fitted on descriptions of samples.
    """

    probe: Probe

    @classmethod
    def fit(cls, described: Tensor, right: Sequence[bool], problems: Sequence[str]) -> Self:
        """Fit on all ordered pairs of different samples of one problem.

        Args:
            described: ``[n, f]`` a row per sample.
            right: ``n`` grades.
            problems: ``n`` problem ids.

        Raises:
            ValueError: if no problem has two samples, or a fresh sample is never, or always,
                better.
        """
        own, labels = restart_pairs(right, problems)
        if not own:
            raise ValueError("no problem has two samples")
        if len(set(labels)) < 2:
            raise ValueError(
                "a fresh sample is " + ("always" if not labels[0] else "never") + " better"
            )
        numbers = {problem: i for i, problem in enumerate(sorted(set(problems)))}
        groups = torch.tensor([numbers[problems[i]] for i in own])
        return cls(Logistic().fit(described[own], torch.tensor(labels), groups))

    def score(self, described: Tensor) -> Tensor:
        """Return the score of each sample ``[n, f]``, ``[n]`` in [0, 1]."""
        return self.probe.score(described)


def restart_pairs(right: Sequence[bool], problems: Sequence[str]) -> tuple[list[int], list[int]]:
    """List the first member of each pair of samples of one problem, and the pair's label."""
    pairs = [
        (i, int(right[i] or not right[j]))
        for i in range(len(problems))
        for j in range(len(problems))
        if i != j and problems[i] == problems[j]
    ]
    return [i for i, _ in pairs], [label for _, label in pairs]

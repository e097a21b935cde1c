"""How hard questions are to a model: labels from its own runs, and a probe that foresees them."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import fmean, median
from typing import Any, Self

import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from probexit.exits.trace import Trace


class QuestionDifficulty(StrEnum):
    """How hard a question is to this model."""

    EASY = "easy"
    NORMAL = "normal"
    HARD = "hard"


@dataclass(frozen=True)
class Boundaries:
    """Where one difficulty ends and another begins (DiffAdapt, arXiv 2510.19669).

    Attributes:
        solved: Least share of right runs of a normal question (alpha).
        unsolved: Hard below this share of right runs (gamma).
        entropy: Largest mean entropy (nats) of a normal question (beta); None = the median of the
            questions at hand.
    """

    solved: float = 0.7
    unsolved: float = 0.3
    entropy: float | None = None

    def label(self, accuracy: float, entropy: float, most: float) -> QuestionDifficulty:
        """Return the difficulty of a question.

        Args:
            accuracy: Share of its runs that are right.
            entropy: Mean entropy of their tokens.
            most: Largest entropy of a normal question.
        """
        if accuracy >= self.solved and entropy <= most:
            return QuestionDifficulty.NORMAL
        if accuracy < self.unsolved:
            return QuestionDifficulty.HARD
        return QuestionDifficulty.EASY


def labelled(traces: Sequence[Trace], boundaries: Boundaries) -> dict[str, QuestionDifficulty]:
    """Return the difficulty of each problem, from all recorded runs of it."""
    runs: dict[str, list[Trace]] = {}
    for trace in traces:
        runs.setdefault(trace.problem, []).append(trace)
    accuracy = {p: fmean(float(trace.correct) for trace in own) for p, own in runs.items()}
    entropy = {p: fmean(mean_entropy(trace) for trace in own) for p, own in runs.items()}
    beta = boundaries.entropy
    if beta is None:
        beta = median(entropy.values()) if entropy else 0.0
    return {p: boundaries.label(accuracy[p], entropy[p], beta) for p in runs}


def mean_entropy(trace: Trace) -> float:
    """Return the mean entropy (nats) over the generated tokens; 0 of none."""
    return float(trace.entropies.double().mean()) if len(trace.entropies) else 0.0


@dataclass
class DifficultyProbe:
    """``softmax(W2 relu(W1 h + b1) + b2)`` on standardised states.

    A rate of 1e-3 and 100 epochs are the paper's; its optimiser is AdamW, where Adam with an L2
    penalty stands in, its states are not said to be standardised, and its width was not found.

    Attributes:
        width: Hidden units.
        seed: Seed of the initial weights and batches.
    """

    width: int = 64
    seed: int = 0
    network_: Any = field(default=None, init=False, repr=False)

    def fit(self, states: Sequence[Tensor], levels: Sequence[QuestionDifficulty]) -> Self:
        """Learn from states ``[d]`` and the difficulties of their questions, at least two."""
        network = MLPClassifier((self.width,), learning_rate_init=1e-3, random_state=self.seed)
        # all epochs are run, as in the paper: a tolerance of nothing never stops earlier
        network.set_params(max_iter=100, n_iter_no_change=100, tol=0.0)
        self.network_ = make_pipeline(StandardScaler(), network)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # it stops where it is told to
            self.network_.fit(_rows(states), [level.value for level in levels])
        return self

    def of(self, states: Sequence[Tensor]) -> list[QuestionDifficulty]:
        """Return the likeliest difficulty behind each state ``[d]``."""
        if not states:
            return []
        return [QuestionDifficulty(name) for name in self.network_.predict(_rows(states))]


def _rows(states: Sequence[Tensor]) -> Any:
    return torch.stack(list(states)).float().numpy()

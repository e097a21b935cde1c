"""Fitting the probe on many cues of a wide model, against scikit-learn's own pipeline."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits
from torch import Tensor

from probexit.experiments.bench.base import Benchmark, Measurement, spread
from probexit.experiments.bench.cpu_time import cpu_seconds
from probexit.hooks.models import Reasoner
from probexit.probes.logistic import Logistic


@dataclass(frozen=True)
class ProbeFit(Benchmark):
    """One layer of synthetic states, of which a few directions tell right from wrong.

    Attributes:
        shapes: Cues and width.
        rounds: Repetitions.
    """

    shapes: tuple[tuple[int, int], ...] = ((1_000, 256), (10_000, 1_024), (100_000, 4_096))
    rounds: int = 1

    def measure(self, reasoner: Reasoner) -> Iterator[Measurement]:
        for cues, width in self.shapes:
            X, y = _states(cues, width)
            ours, plain = Logistic(), _pipeline(Logistic())
            seconds = [
                (cpu_seconds(partial(ours.fit, X, y)), cpu_seconds(partial(_fit, plain, X, y)))
                for _ in range(self.rounds)
            ]
            expected = plain.predict_proba(X.double().numpy())[:, 1]
            yield Measurement(
                f"{cues} cues, width {width}",
                spread([a / b for a, b in seconds]),
                "CPU seconds of our fit over StandardScaler and LogisticRegression",
                self.rounds,
                {
                    "cpu_seconds": min(a for a, _ in seconds),
                    "same_scores": np.allclose(ours.score(X).numpy(), expected, atol=1e-3),
                },
            )


def _states(cues: int, width: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    y = torch.randint(2, (cues,), generator=generator)
    X = torch.randn(cues, width, generator=generator, dtype=torch.float32)
    X[:, :8] += 0.4 * y[:, None]
    return X.bfloat16(), y  # as they are stored


def _pipeline(probe: Logistic) -> Pipeline:
    """Make what scikit-learn offers for the same fit."""
    return make_pipeline(StandardScaler(), LogisticRegression(C=probe.C, max_iter=probe.max_iter))


def _fit(pipeline: Pipeline, X: Tensor, y: Tensor) -> None:
    with threadpool_limits(1):
        pipeline.fit(X.double().numpy(), y.numpy())

"""Maximise a costly function of many yes-or-no choices by Bayesian optimisation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Matern

NOISE = 1e-2
Choices = NDArray[np.bool_]


@dataclass(frozen=True)
class BayesianSearch:
    """A Gaussian process foretells the value of choices; the most promising are tried.

    Tried next is the guess with the largest mean + ``curiosity`` x standard deviation; guesses are
    drawn at random, and from the best so far by changing one or two choices. Noise (1e-2) and seed
    are those of Draft & Verify's released code; a choice is 0 or 1 here, there a number in [0, 1]
    that is cut at .5.

    Attributes:
        trials: Choices that are tried.
        guesses: Guesses of each kind before a trial.
        curiosity: Of the upper confidence bound.
        seed: Seed of the guesses.
    """

    trials: int = 80
    guesses: int = 256
    curiosity: float = 1.0
    seed: int = 1

    def best(
        self, value: Callable[[Choices], float], first: Sequence[Choices]
    ) -> tuple[Choices, float]:
        """Return the best of the choices tried, and its value.

        Args:
            value: What to maximise.
            first: Choices ``[w]`` to begin with, at least two.
        """
        drawn = np.random.default_rng(self.seed)
        tried = [np.asarray(choices, bool) for choices in first]
        values = [value(choices) for choices in tried]
        while len(tried) < self.trials:
            kernel = Matern(length_scale=float(np.sqrt(len(tried[0]))), nu=2.5)
            process = GaussianProcessRegressor(
                kernel, alpha=NOISE, optimizer=None, normalize_y=True
            ).fit(np.stack(tried).astype(float), values)
            guesses = self._guesses(tried[int(np.argmax(values))], drawn)
            known = {choices.tobytes() for choices in tried}
            new = np.stack([guess for guess in guesses if guess.tobytes() not in known])
            mean, spread = process.predict(new.astype(float), return_std=True)
            tried.append(new[int(np.argmax(mean + self.curiosity * spread))])
            values.append(value(tried[-1]))
        found = int(np.argmax(values))
        return tried[found], values[found]

    def _guesses(self, best: Choices, drawn: np.random.Generator) -> Choices:
        width = len(best)
        anywhere = drawn.random((self.guesses, width)) < drawn.random((self.guesses, 1))
        changed = np.zeros((self.guesses, width), bool)
        for _ in range(2):
            changed[np.arange(self.guesses), drawn.integers(width, size=self.guesses)] ^= True
        one = np.eye(width, dtype=bool)
        return np.concatenate([anywhere, best ^ changed, best ^ one])

"""Non-linear ITI: heads chosen by a small network, over several tokens (arXiv 2403.18680)."""

from dataclasses import dataclass
from typing import Any, ClassVar

from sklearn.neural_network import MLPClassifier

from probexit.experiments.methods.steering.iti import (
    ITI,
)


@dataclass(frozen=True)
class NonlinearITI(ITI):
    """ITI whose heads are chosen by a network of 16 units, and averaged over four tokens.

    The shift is ITI's own, as in the paper. Its network has a batch norm and keeps the best of ten
    epochs; here it has none and runs all ten.
    """

    title: ClassVar[str] = "NL-ITI"
    training: ClassVar[str] = "a small network per head"
    source: ClassVar[str] = "2403.18680"
    summary: ClassVar[str] = "ITI with heads chosen by a network"
    tokens: int = 4

    def probe(self, seed: int) -> Any:
        return MLPClassifier(
            (16,),
            alpha=1e-4,
            learning_rate_init=5e-4,
            batch_size=32,
            max_iter=10,
            random_state=seed,
        )

"""Let a larger model write where the entropy is high (EAD, arXiv 2502.06833)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from probexit.calibration.base import Array
from probexit.exits.engines.two_models.base import TwoModelEngine
from probexit.exits.engines.two_models.handover import Handover
from probexit.exits.trace import Trace
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.second_model import TwoModelRule


@dataclass(frozen=True)
class EntropyHandover(TwoModelRule):
    """The large model is in charge while the mean entropy of the newest five tokens is high.

    The paper turns a threshold in bits over a range; here it is read off the recorded entropies of
    the fit split, so that these shares of the recorded tokens would be above it. How many the large
    model comes to write is another matter: it also writes what it has made less uncertain.

    Attributes:
        shares: Shares of the recorded tokens above the threshold.
    """

    title: ClassVar[str] = "entropy hand-over"
    reads: ClassVar[str] = "entropy of every token"
    source: ClassVar[str] = "2502.06833"
    summary: ClassVar[str] = "a larger model writes where the entropy is high"
    shares: tuple[float, ...] = (0.5, 0.25)

    def engines(self, context: Context) -> dict[str, TwoModelEngine]:
        rolling = rolling_entropies(context.splits.fit, Handover.window)
        return {
            f"{100 * share:g} % unsure": Handover(float(np.quantile(rolling, 1 - share)))
            for share in self.shares
        }


def rolling_entropies(traces: Sequence[Trace], window: int) -> Array:
    """Pool the rolling mean entropies (nats) of traces, ``[n]``; the first window is left out."""
    long = [trace.entropies.double() for trace in traces if len(trace.entropies) >= window]
    means = [entropies.unfold(0, window, 1).mean(1).numpy() for entropies in long]
    return np.concatenate([np.zeros(1), *means])

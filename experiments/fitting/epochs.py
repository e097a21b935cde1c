"""Train a probe epoch by epoch, keeping every epoch: the one to use is chosen by other problems."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from probexit.exits.trace import Trace
from probexit.experiments.fitting.targets import cue_table
from probexit.probes.base import Probe

EPOCHS = 30
"""Epochs kept, unless others are asked for; the paper's simulations keep 20 and suggest 100."""


@dataclass(frozen=True)
class Epochs:
    """A probe of rightness as it stood after each epoch of its training.

    Attributes:
        probes: One per epoch, in order.
        at: Layers they read, concatenated in this order.
        recorded: Layers that the traces hold.
    """

    probes: tuple[Probe, ...]
    at: tuple[int, ...]
    recorded: tuple[int, ...]

    def scores(self, traces: Sequence[Trace]) -> list[Tensor]:
        """Return the scores of each trace at each epoch, ``[c_i, epochs]``."""
        columns = [self.recorded.index(layer) for layer in self.at]
        states = torch.cat([trace.cues.hidden[:, columns].flatten(1) for trace in traces])
        states = states.to(torch.bfloat16)  # as the store keeps them
        whole = torch.stack([probe.score(states) for probe in self.probes], 1)
        return list(torch.split(whole, [len(trace.cues) for trace in traces]))


def train_epochs(
    probe: Probe, traces: Sequence[Trace], layers: tuple[tuple[int, ...], tuple[int, ...]], n: int
) -> Epochs:
    """Train a probe for ``n`` epochs on the rightness of the forced answers.

    Args:
        probe: Not fitted yet; trained by epochs.
        traces: The fit split; all of it is trained on.
        layers: Those to read, and those that the traces hold.
        n: How many epochs.

    Raises:
        ValueError: on a probe that is not trained by epochs, or labels of one kind.
    """
    at, recorded = layers
    table = cue_table(traces, "correct")
    X = table.states.select([recorded.index(layer) for layer in at])
    return Epochs(probe.by_epochs(X, table.labels, n), at, recorded)

"""What an engine keeps for a signal that reads the trace so far, and one copy of it at a cue."""

from collections.abc import Sequence

import torch

from probexit.exits.engines.forward_pass import ForwardPass
from probexit.exits.engines.history import CueReading
from probexit.exits.engines.readback import on_host
from probexit.exits.engines.row import Row
from probexit.exits.engines.step_means import StepMeans
from probexit.exits.engines.summaries import TOP, entropy
from probexit.exits.engines.token_columns import TokenColumns
from probexit.exits.signals.base import Signal


class Tracing:
    """Follows the rows of a session whose signal is ``traced``.

    Args:
        signal: The signal.
        end: The end-of-thinking token.
    """

    def __init__(self, signal: Signal, end: int) -> None:
        self._end, self._layers = end, signal.layers
        self._columns = TokenColumns() if signal.per_token else None
        self._means = StepMeans()

    def follow(self, made: ForwardPass, thinking: Sequence[int]) -> None:
        """Follow a pass; the rows at ``thinking`` have consumed a token of their thinking."""
        if self._columns is not None:
            self._columns.follow(made)
        if self._layers and thinking:
            rows = [row.history for i in thinking if (row := made.rows[i]) is not None]
            self._means.add(rows, made.states_of(thinking, self._layers))

    def read(self, rows: Sequence[Row], at: Sequence[int], made: ForwardPass) -> None:
        """Read the cues that ``rows`` stand at, at these places, with one copy for them all."""
        logprobs = made.logits_of(at).float().log_softmax(-1)
        hidden = made.states_of(at, self._layers)
        means = self._means.take([row.history for row in rows], hidden)
        parts = {
            "entropy": entropy(logprobs),
            "end_logprob": logprobs[:, self._end],
            "hidden": hidden.to(torch.bfloat16),
            "step_hidden": means.to(torch.bfloat16),
            "top_logprobs": logprobs.topk(min(TOP, logprobs.shape[-1])).values,
        }
        if self._columns is not None:
            parts["noted"] = self._columns.unread(logprobs)
        found = on_host(parts)
        if self._columns is not None:
            self._columns.read(found.pop("noted"))
        for i, row in enumerate(rows):
            row.history.at_cue(CueReading(**{name: part[i] for name, part in found.items()}))

"""What each attention head reads at recorded cues, and which heads tell right from wrong."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from torch import Tensor
from transformers import DynamicCache

from probexit.exits.trace import Trace
from probexit.experiments.methods.core.base import Unavailable
from probexit.experiments.methods.core.training import trainable
from probexit.hooks.forward import forward
from probexit.hooks.head_capture import HeadCapture
from probexit.hooks.padding import padded

BATCH = 16
HELD_OUT = 0.2
"""Share of the problems on which a head's probe is scored (ITI's released code)."""


@dataclass(frozen=True)
class HeadStates:
    """The heads at some cues.

    Attributes:
        X: ``[n, layers, heads, width]``, the mean over the cue's last tokens.
        right: ``[n]`` bool, whether the forced answer there is right.
        problems: ``[n]`` number of each cue's problem.
    """

    X: Tensor
    right: Tensor
    problems: Tensor

    def accuracies(self, probe: Callable[[], Any], seed: int) -> Tensor:
        """Return ``[layers, heads]``: accuracy of a probe on each head alone, on held-out problems.

        Args:
            probe: Makes a classifier of scikit-learn.
            seed: Chooses the held-out problems.

        Raises:
            Unavailable: if a part has cues of one kind only.
        """
        names = np.random.default_rng(seed).permutation(np.unique(self.problems.numpy()))
        held = torch.isin(
            self.problems, torch.as_tensor(names[: max(1, round(HELD_OUT * len(names)))])
        )
        y = self.right.numpy()
        found = torch.zeros(self.X.shape[1:3])
        with trainable(), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # few epochs are the paper's choice
            for layer, head in np.ndindex(*found.shape):
                x = self.X[:, layer, head].numpy()
                made = probe().fit(x[~held], y[~held])
                found[layer, head] = float(made.score(x[held], y[held]))
        return found

    def shifts(self, chosen: Sequence[tuple[int, int]]) -> dict[int, dict[int, Tensor]]:
        """Return ``sigma * u`` of some heads, by layer and head.

        ``u`` has length 1 and leads from the mean of the wrong cues to that of the right ones;
        sigma is the spread of all cues along it (ddof 0).

        Raises:
            Unavailable: if right and wrong cues do not differ.
        """
        found: dict[int, dict[int, Tensor]] = {}
        for layer, head in chosen:
            x = self.X[:, layer, head]
            direction = x[self.right].mean(0) - x[~self.right].mean(0)
            length = float(direction.norm())
            if not length > 0:
                raise Unavailable("right and wrong cues do not differ: record more problems")
            u = direction / length
            found.setdefault(layer, {})[head] = (x @ u).std(unbiased=False) * u
        return found


@torch.inference_mode()
def head_states(model: Any, traces: Sequence[Trace], tokens: int) -> HeadStates:
    """Read the heads at the cues of some traces, by one prefill each.

    Args:
        model: The model that was recorded.
        traces: The fit split.
        tokens: Tokens up to and with the cue over which a head is averaged.

    Raises:
        Unavailable: if there are no right or no wrong cues.
    """
    usable = [trace for trace in traces if len(trace.cues)]
    right = torch.cat([trace.cues.correct for trace in usable]) if usable else torch.zeros(0)
    if not usable or right.all() or not right.any():
        raise Unavailable("it needs right and wrong cues to learn from: record more problems")
    batches = [usable[first : first + BATCH] for first in range(0, len(usable), BATCH)]
    X = torch.cat([_read(model, batch, tokens) for batch in batches])
    numbers = {name: i for i, name in enumerate(dict.fromkeys(t.problem for t in usable))}
    problems = [numbers[trace.problem] for trace in usable for _ in range(len(trace.cues))]
    return HeadStates(X, right.bool(), torch.tensor(problems))


def _read(model: Any, traces: Sequence[Trace], tokens: int) -> Tensor:
    """Prefill traces together, right-padded; return ``[n, layers, heads, width]``."""
    texts = [[*trace.prompt_ids.tolist(), *trace.token_ids.tolist()] for trace in traces]
    ids, mask = padded(texts, "right")
    at = [
        (row, max(0, len(trace.prompt_ids) + int(cue) - back))
        for row, trace in enumerate(traces)
        for cue in trace.cues.positions
        for back in range(tokens)
    ]
    rows, columns = torch.tensor(at, device=model.device).unbind(1)
    places = torch.arange(ids.shape[1])[None].expand(len(ids), -1)
    with HeadCapture(model, rows, columns) as capture:
        forward(model, ids, DynamicCache(), places, mask, keep=torch.zeros(1, dtype=torch.long))
        found = capture.chosen().float().cpu()
    return found.reshape(-1, tokens, *found.shape[1:]).mean(1)

"""What steering presets share: a direction from the fit split, added at one layer (hooks/steer)."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from probexit.exits.trace import Trace
from probexit.experiments.methods.core.base import MethodFamily, Unavailable
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.live_rule import LiveRule
from probexit.experiments.methods.core.training import recorded_layers
from probexit.experiments.methods.online.base import Recipe
from probexit.experiments.methods.online.intervention import InterventionRun
from probexit.experiments.methods.online.live_evaluator import LiveEvaluator
from probexit.hooks.layers import n_layers


@dataclass(frozen=True)
class Steering(LiveRule):
    """Add a direction to the states of one layer, at every position, prompt and answer included.

    Attributes:
        strengths: How much of it, in multiples of the typical norm of a cue's state there.
        depth: Which layer: the recorded one nearest to this share of the model's depth.
    """

    family: ClassVar[MethodFamily] = MethodFamily.STEERING
    reads: ClassVar[str] = "hidden states, and changes them"
    strengths: tuple[float, ...] = (0.2, 0.5)
    depth: float = 0.5

    @abstractmethod
    def direction(self, traces: Sequence[Trace], layer: int) -> Tensor:
        """Return the direction, ``[d]`` of any length, from cue states at a recorded layer.

        Args:
            traces: The fit split.
            layer: Index along ``L`` of ``Cues.hidden [c, L, d]``.

        Raises:
            Unavailable: if these traces hold no such direction.
        """

    def recipes(self, context: Context, bench: LiveEvaluator) -> dict[str, Recipe]:
        count = n_layers(bench.reasoner.model)
        recorded, traces = recorded_layers(context), context.splits.fit
        layer = nearest(self.depth, recorded, count)
        column = recorded.index(layer)
        added = unit(self.direction(traces, column)) * typical_norm(traces, column)
        return {
            f"{strength:g} of the norm": InterventionRun(directions={layer: strength * added})
            for strength in self.strengths
        }


def nearest(depth: float, recorded: Sequence[int], count: int) -> int:
    """Return the recorded layer nearest to a share of the depth of a model of ``count`` layers.

    The output of the final norm is none: nothing would read what is added there but the answer's
    next token.

    Raises:
        Unavailable: if nothing else was recorded.
    """
    inner = [layer for layer in recorded if layer < count]
    if not inner:
        raise Unavailable("no decoder layer was recorded: record with --layers all")
    return min(inner, key=lambda layer: abs(layer - depth * (count - 1)))


def states(traces: Sequence[Trace], layer: int) -> Tensor:
    """Return the cue states of some traces at one recorded layer, ``[n, d]`` float32.

    Raises:
        Unavailable: if there are none.
    """
    found = [trace.cues.hidden[:, layer].float() for trace in traces if len(trace.cues)]
    if not found:
        raise Unavailable("it has no traces with cues to learn from: record more problems")
    return torch.cat(found)


def typical_norm(traces: Sequence[Trace], layer: int) -> float:
    """Return the median length of a cue state at one recorded layer."""
    return float(states(traces, layer).norm(dim=-1).median())


def unit(direction: Tensor) -> Tensor:
    """Return a direction ``[d]`` at length 1.

    Raises:
        Unavailable: if it has no length.
    """
    length = float(direction.norm())
    if not length > 0:
        raise Unavailable("the two kinds of states do not differ: record more problems")
    return direction / length

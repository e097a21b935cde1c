"""Linear regression of the label on each state alone (the progress vector of arXiv 2506.07240)."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import torch
from torch import Tensor

from probexit.probes.sequence.base import SequenceProbe
from probexit.probes.sequence.training_set import Thinkings
from probexit.probes.stored import require_shapes


@dataclass(frozen=True)
class Line:
    """``(x - mean) / scale . weight + bias``; ``mean, scale, weight [d]``, ``bias []``."""

    mean: Tensor
    scale: Tensor
    weight: Tensor
    bias: Tensor


@dataclass
class Ridge(SequenceProbe):
    """Least squares with a ridge on standardised states, cut to [0, 1]; it remembers nothing.

    The paper solves plain least squares, without intercept, on very many tokens; few cues ask for
    a penalty and an intercept.

    Attributes:
        penalty: On the squared weights, relative to the mean squared error of one cue.
    """

    penalty: float = 0.01

    def __post_init__(self) -> None:
        self.line_: Line | None = None

    def fit(
        self, states: Sequence[Tensor], labels: Sequence[Tensor], groups: Tensor | None = None
    ) -> Self:
        data = Thinkings.of(states, labels, groups)
        mean, scale = data.moments()
        X = ((data.X[data.real] - mean) / scale).double()
        y = data.y[data.real].double()
        gram = X.T @ X / len(X) + self.penalty * torch.eye(X.shape[1], dtype=X.dtype)
        weight = torch.linalg.solve(gram, X.T @ (y - y.mean()) / len(X))
        self.line_ = Line(mean, scale, weight.float(), y.mean().float())
        return self

    def score(self, states: Tensor) -> Tensor:
        self._require_width(states)
        mean, scale, weight, bias = (part.to(states.device) for part in self.state().values())
        # product and sum: a row's score then does not depend on the rows about it
        return (((states.float() - mean) / scale * weight).sum(-1) + bias).clamp(0, 1)

    def direction(self) -> Tensor:
        """Return ``[d]``, the gradient of the score by the state as it comes, not standardised."""
        line = self._line()
        return line.weight / line.scale

    def state(self) -> dict[str, Tensor]:
        line = self._line()
        return {f.name: getattr(line, f.name) for f in fields(line)}

    def restore(self, state: dict[str, Tensor]) -> None:
        width = [len(state["weight"])]
        require_shapes(state, {"mean": width, "scale": width, "weight": width, "bias": ()})
        self.line_ = Line(**state)

    @property
    def width(self) -> int:
        return len(self._line().weight)

    def _line(self) -> Line:
        if self.line_ is None:
            raise self._unfitted()
        return self.line_

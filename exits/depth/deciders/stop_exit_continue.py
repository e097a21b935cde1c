"""SEC: one linear classifier for all layers that may also end the text."""

from dataclasses import dataclass, replace
from typing import Self

import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from probexit.exits.depth.deciders.base import Decider
from probexit.exits.depth.deciders.examples import Examples
from probexit.exits.depth.deciders.layer_view import LayerView

STOP, EXIT, CONTINUE = range(3)
STOPS = (0.999, 0.99, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5)  # the released code's grid


@dataclass
class StopExitContinue(Decider):
    """Stop the text, leave the model, or continue (arXiv 2401.09964, section 4).

    Labels come from the text itself: *stop* if no layer, nor the full model, would write its next
    token; *exit* from the first layer on that would; *continue* before. Deeper layers weigh more.
    The classifier is a logistic regression to its optimum on states of unit size, where the
    released code (@4c3ffd6) takes five epochs of gradient steps. As there, an action is taken if it
    is the likeliest and reaches its own threshold.

    Attributes:
        stop_threshold: Probability from which *stop*, if likeliest, ends the text; infinity never.
    """

    stop_threshold: float = float("inf")

    def __post_init__(self) -> None:
        self.weights_: Tensor | None = None

    def score(self, look: LayerView) -> Tensor:
        chances = self._chances(look)
        return torch.where(chances.argmax(-1) == EXIT, chances[:, EXIT], 0.0)

    def stops(self, look: LayerView) -> Tensor:
        chances = self._chances(look)
        return (chances.argmax(-1) == STOP) & (chances[:, STOP] >= self.stop_threshold)

    @property
    def stop_path(self) -> tuple[float, ...]:
        return STOPS

    def with_stop(self, threshold: float) -> Self:
        other = replace(self, stop_threshold=threshold)
        other.restore(self.state())
        return other

    def fit(self, examples: Examples) -> Self:
        right = torch.stack([look.tokens == examples.gold for look in examples.looks()], 1)
        hopeless = ~right.any(1) & (examples.final != examples.gold)
        reached = right.cummax(1).values
        labels = torch.where(reached, EXIT, CONTINUE)
        labels[hopeless] = STOP
        if len(set(labels.flatten().tolist())) < 3:
            raise ValueError(
                "the texts show no token of one of: stop, exit, continue; record texts that the "
                "model did not write itself"
            )
        depth = torch.tensor(examples.layers, dtype=torch.float32) + 1
        classifier = LogisticRegression(max_iter=500).fit(
            _scaled(examples.hidden).flatten(0, 1).cpu().numpy(),
            labels.flatten().cpu().numpy(),
            sample_weight=depth.expand(labels.shape).flatten().numpy(),
        )
        coefficients = torch.tensor(classifier.coef_, dtype=torch.float32)
        offset = torch.tensor(classifier.intercept_, dtype=torch.float32)
        self.weights_ = torch.cat([coefficients, offset[:, None]], 1)
        return self

    def state(self) -> dict[str, Tensor]:
        return {} if self.weights_ is None else {"weights": self.weights_}

    def restore(self, state: dict[str, Tensor]) -> None:
        self.weights_ = state.get("weights")

    def _chances(self, look: LayerView) -> Tensor:
        if self.weights_ is None:
            raise self._unfitted(look.layer)
        weights = self.weights_.to(look.hidden.device)
        return (_scaled(look.hidden) @ weights[:, :-1].T + weights[:, -1]).softmax(-1)


def _scaled(hidden: Tensor) -> Tensor:
    """Give states unit mean square: their size grows with depth, and one classifier serves all."""
    hidden = hidden.float()
    return hidden / hidden.square().mean(-1, keepdim=True).sqrt().clamp(min=1e-6)

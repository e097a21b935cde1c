"""SpecEE: look at a few candidate tokens only, and at all of them once they look settled."""

from dataclasses import dataclass
from typing import Self

import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from probexit.exits.depth.deciders.base import Decider
from probexit.exits.depth.deciders.examples import Examples
from probexit.exits.depth.deciders.layer_view import LayerView

CHECKED = 0.5


@dataclass
class FewColumns(Decider):
    """Judges the logits of a few candidates at each layer (arXiv 2504.08850, section 4).

    SpecEE's candidates come from a separate draft model; here they are the likeliest tokens at the
    token's first exit layer, where nothing leaves. Features: the candidates' logits, probabilities
    among themselves, and the change of these since the previous exit. A score above 1/2 is checked
    once against all columns: it falls to 0 if the likeliest token is no candidate.

    Attributes:
        candidates: How many.
    """

    candidates: int = 4

    def __post_init__(self) -> None:
        self.weights_: dict[str, Tensor] = {}

    @property
    def alone(self) -> bool:
        return False

    def score(self, look: LayerView) -> Tensor:
        if look.previous is None:
            return torch.zeros(len(look.hidden), device=look.hidden.device)
        if str(look.layer) not in self.weights_:
            raise self._unfitted(look.layer)
        tokens, features = self._features(look)
        weights = self.weights_[str(look.layer)].to(features.device)
        score = (features @ weights[:-1] + weights[-1]).sigmoid()
        likely = torch.nonzero(score > CHECKED)[:, 0]
        if len(likely):
            settled = (look.rows(likely).tokens[:, None] == tokens[likely]).any(1)
            score[likely] = torch.where(settled, score[likely], 0.0)
        return score

    def fit(self, examples: Examples) -> Self:
        agreement = examples.agreement()
        for e, look in enumerate(examples.looks()):
            if look.previous is None:
                continue
            _, features = self._features(look)
            labels = agreement[:, e].long()
            if bool(labels.min() == labels.max()):
                raise ValueError(
                    f"layer {look.layer} agrees with the full model always or never: leave it out"
                )
            model = LogisticRegression(max_iter=500, class_weight="balanced")
            model.fit(features.cpu().numpy(), labels.cpu().numpy())
            parts = (model.coef_[0], model.intercept_)
            self.weights_[str(look.layer)] = torch.cat(
                [torch.tensor(part, dtype=torch.float32) for part in parts]
            )
        return self

    def state(self) -> dict[str, Tensor]:
        return dict(self.weights_)

    def restore(self, state: dict[str, Tensor]) -> None:
        self.weights_ = dict(state)

    def _features(self, look: LayerView) -> tuple[Tensor, Tensor]:
        """Return the candidates ``[n, k]`` and features ``[n, 3 k]``."""
        first = look
        while first.previous is not None:
            first = first.previous
        tokens = first.logits.topk(self.candidates).indices
        assert look.previous is not None
        now, before = look.columns(tokens), look.previous.columns(tokens)
        chances = now.softmax(-1)
        return tokens, torch.cat([now, chances, chances - before.softmax(-1)], 1)

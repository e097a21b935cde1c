"""AdaInfer: gap and maximum probability, judged by a classical classifier."""

from dataclasses import dataclass
from typing import Self

import torch
from sklearn.svm import SVC
from torch import Tensor

from probexit.exits.depth.deciders.base import Decider
from probexit.exits.depth.deciders.examples import Examples
from probexit.exits.depth.deciders.layer_view import LayerView


@dataclass
class AdaInfer(Decider):
    """A support vector machine on two features of the head's distribution (arXiv 2403.02181).

    The paper decides once per input, on its last token: the mode ``static`` does so, and every
    token of the text leaves where its prompt did; other modes decide token by token. Each prefix of
    a recorded text is one input to learn from; its label is whether the layer's token is the full
    model's. The score is the machine's decision function: 0 is its own boundary. No code was
    released: kernel (radial), its width and the final norm before the unembedding are choices.

    Attributes:
        limit: Examples per layer that the machine is trained on.
    """

    limit: int = 2000

    def __post_init__(self) -> None:
        self.machines_: dict[str, Tensor] = {}

    def score(self, look: LayerView) -> Tensor:
        if f"{look.layer}.vectors" not in self.machines_:
            raise self._unfitted(look.layer)
        vectors, weights, gamma, offset = (
            self.machines_[f"{look.layer}.{part}"].to(look.hidden.device) for part in _PARTS
        )
        distances = torch.cdist(_features(look), vectors).square()
        return (-gamma * distances).exp() @ weights + offset

    def fit(self, examples: Examples) -> Self:
        agreement = examples.agreement().long().cpu().numpy()
        chosen = torch.randperm(len(examples), generator=torch.Generator().manual_seed(0))
        chosen = chosen[: self.limit]
        for e, look in enumerate(examples.looks()):
            labels = agreement[chosen, e]
            if labels.min() == labels.max():
                raise ValueError(
                    f"layer {look.layer} agrees with the full model always or never: leave it out"
                )
            svm = SVC(class_weight="balanced").fit(_features(look)[chosen].cpu().numpy(), labels)
            parts = (svm.support_vectors_, svm.dual_coef_[0], svm._gamma, svm.intercept_[0])
            for name, part in zip(_PARTS, parts, strict=True):
                self.machines_[f"{look.layer}.{name}"] = torch.tensor(part, dtype=torch.float32)
        return self

    def state(self) -> dict[str, Tensor]:
        return dict(self.machines_)

    def restore(self, state: dict[str, Tensor]) -> None:
        self.machines_ = dict(state)


_PARTS = ("vectors", "weights", "gamma", "offset")


def _features(look: LayerView) -> Tensor:
    top = look.logits.softmax(-1).topk(2).values
    return torch.stack([top[:, 0] - top[:, 1], top[:, 0]], 1)

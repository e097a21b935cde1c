"""Tuned-lens translators: one affine map per exit layer."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from probexit.exits.depth.heads.trained import TrainedHead


class _Affine(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(width, width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, hidden: Tensor) -> Tensor:
        return hidden + nn.functional.linear(hidden, self.weight, self.bias)


@dataclass
class Translator(TrainedHead):
    """``h + A h + b`` before the model's own norm and unembedding (arXiv 2303.08112, eq. 5)."""

    def module(self, width: int) -> nn.Module:
        return _Affine(width)

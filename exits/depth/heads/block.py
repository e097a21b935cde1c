"""Exit blocks: one gated MLP per exit layer, with its own norm."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from probexit.exits.depth.heads.trained import TrainedHead


class _Gated(nn.Module):
    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(width))
        self.up = nn.Linear(width, 2 * inner, bias=False)
        self.down = nn.Linear(inner, width, bias=False)
        nn.init.zeros_(self.down.weight)

    def forward(self, hidden: Tensor) -> Tensor:
        gate, value = self.up(nn.functional.rms_norm(hidden, self.scale.shape, self.scale)).chunk(
            2, -1
        )
        down: Tensor = self.down(nn.functional.silu(gate) * value)
        return hidden + down


@dataclass
class ExitBlock(TrainedHead):
    """``h + MLP(norm(h))`` before the model's own norm and unembedding.

    EE-LLM's MLP exits (arXiv 2312.04916). Without attention there is no second KV cache and an exit
    is local to its token; the head ``balcony`` is a whole layer.

    Attributes:
        inner: Width of the MLP, as a multiple of the model's.
    """

    inner: float = 2.0

    def module(self, width: int) -> nn.Module:
        return _Gated(width, int(self.inner * width))

"""Mixed precision on a CPU: bfloat16 for the passes, float32 for what is learned."""

import math
from typing import Any

import torch

BETAS = (0.9, 0.98)
MOMENTUM = 0.95
DECAY = 0.01
CLIP = 1.0


class MixedOptimizer:
    """Muon for matrices and AdamW for the rest, on float32 copies of a bfloat16 model.

    The rotary frequencies stay in float32: rounded, distant positions become indistinguishable.
    """

    def __init__(self, model: Any, rate: float) -> None:
        self.rate = rate
        names = [name for name, _ in model.named_parameters()]
        self.master = [p.detach().clone().float() for p in model.parameters()]
        frequencies = model.model.rotary_emb.inv_freq.float().clone()
        model.to(torch.bfloat16)
        model.model.rotary_emb.inv_freq = frequencies
        self.parameters: list[torch.Tensor] = list(model.parameters())
        matrices: list[torch.Tensor] = []
        rest: list[torch.Tensor] = []
        for name, weight in zip(names, self.master, strict=True):
            (matrices if weight.ndim == 2 and "embed" not in name else rest).append(weight)
        muon = torch.optim.Muon(
            matrices,
            lr=rate,
            momentum=MOMENTUM,
            weight_decay=DECAY,
            adjust_lr_fn="match_rms_adamw",
        )
        adamw = torch.optim.AdamW(rest, lr=rate, betas=BETAS, weight_decay=0.0)
        self.optimizers: list[torch.optim.Optimizer] = [muon, adamw]

    @torch.no_grad()
    def step(self, scale: float) -> None:
        """Apply the gradients of the last backward pass at `scale` times the rate."""
        gradients = [p.grad.float() for p in self.parameters if p.grad is not None]
        norm = math.sqrt(sum(float((g * g).sum()) for g in gradients))
        for weight, gradient in zip(self.master, gradients, strict=True):
            weight.grad = gradient * min(1.0, CLIP / (norm + 1e-6))
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self.rate * scale
            optimizer.step()
        self.publish()

    @torch.no_grad()
    def publish(self) -> None:
        """Copy what was learned into the model."""
        for parameter, weight in zip(self.parameters, self.master, strict=True):
            parameter.copy_(weight)
            parameter.grad = None

    def state(self) -> dict[str, Any]:
        """Give all that a later run needs to go on."""
        return {"master": self.master, "optimizers": [o.state_dict() for o in self.optimizers]}

    @torch.no_grad()
    def load(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        for weight, saved in zip(self.master, state["master"], strict=True):
            weight.copy_(saved)
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.publish()

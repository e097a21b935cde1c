"""What trained heads share: one small module per exit layer, frozen model, one file of tensors."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from probexit.exits.depth.fitted import by_layer, joined
from probexit.exits.depth.heads.base import Head


@dataclass
class TrainedHead(Head):
    """A head made of one module per exit layer; ``tuning/distil.py`` trains it."""

    def __post_init__(self) -> None:
        self.modules_: dict[int, nn.Module] = {}

    def adopt(self, model: Any) -> None:
        """Take from a model what new modules are made of; nothing by default.

        Raises:
            ValueError: if they cannot be made for this model.
        """
        del model

    @abstractmethod
    def module(self, width: int) -> nn.Module:
        """Return a new module, ``[..., width]`` to itself, at first the identity if it can be.

        It holds a vector of ``width`` entries, from which restoring reads the width.
        """

    def prepare(self, layers: Sequence[int], width: int) -> list[nn.Parameter]:
        """Make new modules for ``layers``; return what is to be trained."""
        self.modules_ = {layer: self.module(width) for layer in layers}
        return [p for module in self.modules_.values() for p in module.parameters()]

    def translate(self, hidden: Tensor, layer: int) -> Tensor:
        translated: Tensor = self.at(hidden, layer)(hidden)
        return translated

    def at(self, hidden: Tensor, layer: int) -> nn.Module:
        """Return the module of a layer, where and in the precision of states ``[..., d]``.

        Raises:
            ValueError: if the head was not trained for ``layer``.
        """
        if layer not in self.modules_:
            raise ValueError(
                f"{type(self).__name__} was trained for layers {sorted(self.modules_)}, "
                f"not for {layer}"
            )
        module = self.modules_[layer]
        parameter = next(module.parameters())
        if (parameter.device, parameter.dtype) != (hidden.device, hidden.dtype):
            module.to(hidden.device, hidden.dtype)
        return module

    def state(self) -> dict[str, Tensor]:
        states = {layer: module.state_dict() for layer, module in self.modules_.items()}
        return {name: tensor.detach().cpu() for name, tensor in joined(states).items()}

    def restore(self, state: dict[str, Tensor]) -> None:
        self.modules_ = {}
        for layer, own in by_layer(state).items():
            with torch.device("meta"):  # no memory before the tensors are known to fit
                module = self.module(next(len(t) for t in own.values() if t.ndim == 1))
            module.load_state_dict(own, assign=True)
            self.modules_[layer] = module.eval().requires_grad_(False)

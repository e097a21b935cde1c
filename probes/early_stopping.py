"""Remember the best network seen on a hold-out, and say when to stop looking for a better one."""

import copy
from dataclasses import dataclass
from typing import Any

from torch import nn


@dataclass
class EarlyStopping:
    """Stop after more than ``patience`` epochs in a row without a loss ``tolerance`` lower.

    The rule and both defaults are those of scikit-learn's ``MLPClassifier``.
    """

    patience: int = 10
    tolerance: float = 1e-4

    def __post_init__(self) -> None:
        self.best_loss_ = float("inf")
        self.best_state_: dict[str, Any] = {}
        self.waited_ = 0

    def should_stop(self, net: nn.Module, loss: float) -> bool:
        """Note the hold-out ``loss`` of ``net`` after one more epoch."""
        self.waited_ = 0 if loss < self.best_loss_ - self.tolerance else self.waited_ + 1
        if loss < self.best_loss_:
            self.best_loss_ = loss
            self.best_state_ = copy.deepcopy(net.state_dict())
        return self.waited_ > self.patience

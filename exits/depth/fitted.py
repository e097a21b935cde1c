"""What deciders and heads share: fitted tensors by name, and one part per exit layer among them."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor


@dataclass
class FittedPart:
    """A part of a rule whose fitted state is tensors by name; it may have none.

    Fields of the dataclass are configuration; fitted state carries a trailing underscore.
    """

    def state(self) -> dict[str, Tensor]:
        """Return the fitted tensors by name, on the CPU; none by default."""
        return {}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Take the tensors that ``state`` returned.

        Raises:
            ValueError: if there are tensors that this class does not keep.
        """
        if state:
            raise ValueError(f"{type(self).__name__} keeps no tensors, got {sorted(state)}")


def joined(states: Mapping[int, Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Put the states of several layers into one, each name led by its layer: ``4.weight``."""
    return {
        f"{layer}.{name}": tensor
        for layer, state in states.items()
        for name, tensor in state.items()
    }


def by_layer(state: Mapping[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    """Take apart what ``joined`` put together, layers ascending."""
    found: dict[int, dict[str, Tensor]] = {}
    for name, tensor in state.items():
        layer, _, own = name.partition(".")
        found.setdefault(int(layer), {})[own] = tensor
    return dict(sorted(found.items()))

"""The contract of a KV policy within one step: what a skipped layer leaves in the cache."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor

from probexit.exits.depth.interception.layer_call import LayerCall


@dataclass(frozen=True)
class KVPolicy(ABC):
    """Writes something for rows that left, so that all layers stay equally long.

    A layer that simply is not called leaves a shorter cache behind; masks are built from layer 0,
    and later tokens would attend to the wrong columns, in many settings without any error.
    """

    def read(self, call: LayerCall) -> Tensor:
        """Run the layer on a prompt; return ``[b, q, d]``."""
        return call.run()

    def run(self, call: LayerCall) -> Tensor:
        """Run the layer for all rows; return ``[b, q, d]``."""
        return call.run()

    @abstractmethod
    def skip(self, call: LayerCall) -> None:
        """Write for all rows of a layer that none of them runs."""

    @abstractmethod
    def run_some(self, call: LayerCall, active: Tensor, left: Tensor) -> Tensor:
        """Run rows ``active`` and write for rows ``left``; return ``[len(active), q, d]``."""

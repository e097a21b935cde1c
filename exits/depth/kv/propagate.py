"""State copying: the exit state's keys and values stand in for those of the skipped layers."""

from dataclasses import dataclass

from torch import Tensor

from probexit.exits.depth.interception.layer_call import LayerCall
from probexit.exits.depth.kv.base import KVPolicy
from probexit.exits.depth.kv.proxies import keys_and_values, run_some


@dataclass(frozen=True)
class Propagate(KVPolicy):
    """Each skipped layer projects keys and values from the exit state (CALM, arXiv 2207.07061).

    Approximate: later full-depth tokens attend to keys that the full model would not have had.
    """

    def skip(self, call: LayerCall) -> None:
        keys, values = keys_and_values(call)
        call.cache.update(keys, values, call.index)

    def run_some(self, call: LayerCall, active: Tensor, left: Tensor) -> Tensor:
        return run_some(call, active, left, keys_and_values(call.rows(left)))

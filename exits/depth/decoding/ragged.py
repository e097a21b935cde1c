"""One pass over a few tokens of which each starts at its own layer.

Tokens that left early wait with their state at the layer they reached. When a later token comes by
that layer, they join it and run on together: their keys and values become exact, and no layer runs
twice. Depths never increase with the position, so those that run are always the newest ones.
(EE-LLM's KV recomputation, arXiv 2312.04916; FREE, arXiv 2310.05424; LayerSkip, arXiv 2404.16710.)
"""

from collections.abc import Callable

import torch
from torch import Tensor

from probexit.exits.depth.heads.base import Head
from probexit.exits.depth.interception.gates import Handler, refuse_gradient
from probexit.exits.depth.interception.layer_call import LayerCall
from probexit.exits.depth.interception.sublayers import NOTHING, Skips

Leave = Callable[[int, Tensor, Tensor], bool]


class Ragged(Handler):
    """Runs new tokens from layer 0, and older ones from the layer where they wait.

    Args:
        depth: ``L``, the model's number of layers.
        head: Translates the state of a newest token that left for the final norm.

    Attributes:
        depths: Layers each waiting token has run, oldest first; never increasing.
        left: Depth at which the newest token left in the last pass; ``depth`` if it did not.
        ran: Layers that ran in it.
    """

    def __init__(self, depth: int, head: Head) -> None:
        self.depth, self.head = depth, head
        self.forget()
        self.plan()

    def forget(self) -> None:
        """Let no token wait: all have reached the last layer, or were rejected."""
        self.depths: list[int] = []
        self._states = torch.empty(0)  # [1, w, d] of the waiting tokens

    def plan(self, leave: Leave | None = None, skipped: Skips = NOTHING) -> None:
        """Prepare the next pass; its tokens must begin with the waiting ones.

        Args:
            leave: Called as ``leave(layer, after [1, d], before [1, d])`` with the newest token's
                states after each layer; True ends the pass there.
            skipped: What this pass leaves out; single sublayers are left out by the caller.
        """
        self._leave, self._skipped = leave, skipped
        self.left, self.ran = self.depth, 0

    @property
    def whole(self) -> bool:
        """Whether the last pass ran every layer."""
        return self.left == self.depth and not self._skipped

    def layer(self, call: LayerCall) -> Tensor:
        if call.index == 0:
            self._enter(call.hidden)
        if call.index < self.left and call.index not in self._skipped.layers:
            self._run(call)
        if call.index < self.depth - 1 or self.left == self.depth:
            return self._states
        newest = self.head.translate(self._states[:, -1:], self.left - 1)
        return torch.cat([self._states[:, :-1], newest], 1)

    def _enter(self, embedded: Tensor) -> None:
        refuse_gradient(embedded)
        waiting = len(self.depths)
        fresh = embedded[:, waiting:]
        if fresh.shape[1] == 0 or embedded.shape[0] > 1:
            raise ValueError(
                f"a pass of {list(embedded.shape[:2])} tokens while {waiting} wait: give one row, "
                "with the waiting tokens first and at least one new token"
            )
        self._states = torch.cat([self._states, fresh], 1) if waiting else fresh
        self.depths = self.depths + [0] * fresh.shape[1]

    def _run(self, call: LayerCall) -> None:
        first = sum(depth > call.index for depth in self.depths)
        if first == len(self.depths):
            return
        if call.index not in self._skipped.attention:
            call.cache.keep(call.index, call.cache.columns + first)
        self.ran += 1
        before = self._states[:, first:]
        after = call.tokens(first, before).run()
        self._states = torch.cat([self._states[:, :first], after], 1) if first else after
        self.depths[first:] = [call.index + 1] * (len(self.depths) - first)
        if self._leave and self._leave(call.index, after[:, -1], before[:, -1]):
            self.left = call.index + 1

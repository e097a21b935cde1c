"""Layers that keep a state instead of columns, as rows that can leave, be replaced and be copied.

Linear attention, state-space and convolution layers fold all that was read into one state a row. It
cannot be cut back to a prefix: it can only be copied where it stands.
"""

from typing import Any

import torch
from torch import Tensor
from transformers import cache_utils
from transformers.cache_utils import DynamicLayer, LinearAttentionLayer

from probexit.exits.engines.row_layer import RowLayer

_STATES = ("conv_states", "recurrent_states")


# A layer that keeps nothing; transformers 5.16 has no such class, and no model with one.
DummyLayer: Any = getattr(cache_utils, "DummyLayer", DynamicLayer)


class StateLayer(LinearAttentionLayer):  # type: ignore[misc]  # transformers is untyped here
    """A layer with convolution and recurrent states only, each ``[b, ...]``."""

    def __init__(self, number_of_states: int = 1) -> None:
        super().__init__(number_of_states=number_of_states)

    def trim(self, columns: int) -> None:
        """Do nothing: there are no columns."""

    widen = trim

    def select(self, rows: Tensor) -> None:
        """Keep these rows only."""
        for states in self._states():
            for i, state in states.items():
                states[i] = None if state is None else state[rows]

    def place(self, rows: Tensor, other: "StateLayer") -> None:
        """Overwrite these rows with the rows of ``other``."""
        for mine, theirs in zip(self._states(), other._states(), strict=True):
            for i, state in theirs.items():
                if state is not None:
                    mine[i][rows] = state

    def copy(self, rows: Tensor) -> "StateLayer":
        """Return these rows as a layer of their own."""
        fork = StateLayer(self.number_of_states)
        self._copy_to(fork, rows)
        return fork

    def append(self, other: "StateLayer") -> None:
        """Add the rows of ``other`` below."""
        for mine, theirs in zip(self._states(), other._states(), strict=True):
            for i, state in theirs.items():
                if state is not None:
                    mine[i] = torch.cat([mine[i], state])

    def _copy_to(self, fork: "StateLayer", rows: Tensor) -> None:
        fork.device, fork.dtype, fork.record_past = self.device, self.dtype, self.record_past
        for name in ("has_previous_state", "conv_kernel_size", *_FLAGS):
            setattr(fork, name, dict(getattr(self, name)))
        for name in _STATES:
            copied = {i: s if s is None else s[rows] for i, s in getattr(self, name).items()}
            setattr(fork, name, copied)

    def _states(self) -> tuple[dict[int, Any], dict[int, Any]]:
        return self.conv_states, self.recurrent_states


_FLAGS = ("is_conv_states_initialized", "is_recurrent_states_initialized")


class StateAndRowLayer(StateLayer, RowLayer):
    """A layer with both: states, and the keys and values of attention beside them."""

    def __init__(self, number_of_states: int = 1) -> None:
        RowLayer.__init__(self)
        LinearAttentionLayer.__init__(self, number_of_states=number_of_states)

    def lazy_initialization(self, *keys_and_values: Tensor, **states: Any) -> None:
        """Prepare for keys and values ``[b, heads, t, d]`` (by place) or for states (by name)."""
        part = RowLayer if keys_and_values else StateLayer
        part.lazy_initialization(self, *keys_and_values, **states)

    def trim(self, columns: int) -> None:
        """Forget the oldest columns."""
        RowLayer.trim(self, columns)

    def widen(self, columns: int) -> None:
        """Add columns on the left; what stands there must be masked."""
        RowLayer.widen(self, columns)

    def select(self, rows: Tensor) -> None:
        """Keep these rows only."""
        StateLayer.select(self, rows)
        RowLayer.select(self, rows)

    def place(self, rows: Tensor, other: Any) -> None:
        """Overwrite these rows with the rows of ``other``."""
        StateLayer.place(self, rows, other)
        RowLayer.place(self, rows, other)

    def copy(self, rows: Tensor) -> "StateAndRowLayer":
        """Return these rows as a layer of their own."""
        fork = StateAndRowLayer(self.number_of_states)
        fork.update(self.keys[rows], self.values[rows])
        self._copy_to(fork, rows)
        return fork

    def append(self, other: Any) -> None:
        """Add the rows of ``other`` below."""
        StateLayer.append(self, other)
        RowLayer.append(self, other)


class EmptyLayer(DummyLayer):  # type: ignore[misc]  # transformers is untyped here
    """A layer that keeps nothing: no attention, or another layer's keys and values."""

    def trim(self, columns: int) -> None:
        """Do nothing: nothing is kept."""

    widen = select = trim

    def place(self, rows: Tensor, other: "EmptyLayer") -> None:
        """Do nothing with ``rows [n]``: nothing is kept."""

    def copy(self, rows: Tensor) -> "EmptyLayer":
        """Return another empty layer, for any ``rows [n]``."""
        return EmptyLayer()

    def append(self, other: "EmptyLayer") -> None:
        """Do nothing: nothing is kept."""

"""One forward pass of a frozen model with the inserted stream beside it: logits and rewards."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Self

import torch
from torch import Tensor

from probexit.exits.engines.cache import RowCache
from probexit.exits.inserted.activations import Activations
from probexit.exits.inserted.stream import RewardStream, Rotation
from probexit.hooks.forward import forward


@dataclass
class BothCaches:
    """What a text's rows hold: the model's keys and values, and the stream's."""

    model: RowCache = field(default_factory=RowCache)
    stream: RowCache = field(default_factory=RowCache)

    def rows(self, index: Tensor) -> Self:
        """Return these rows, ``index [k]``, as caches of their own."""
        return type(self)(self.model.copy(index), self.stream.copy(index))


class RewardReader(AbstractContextManager["RewardReader"]):
    """Context manager: runs the model, and reads the reward off the very same pass.

    Args:
        model: The frozen model.
        stream: What is inserted beside it.
    """

    def __init__(self, model: Any, stream: RewardStream) -> None:
        self.model, self.stream = model, stream
        self._seen = Activations(model)

    def __enter__(self) -> Self:
        self._seen.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._seen.__exit__(*exception)

    def run(self, ids: Tensor, caches: BothCaches | None = None) -> tuple[Tensor, Tensor]:
        """Read tokens behind what the caches hold, all rows at the same length.

        The model is run without gradient, the stream with it where that is switched on.

        Args:
            ids: ``[b, q]``.
            caches: What was read before; grow by ``q``. None reads whole texts.

        Returns:
            Next-token logits ``[b, q, V]`` and rewards ``[b, q]``.
        """
        caches = BothCaches() if caches is None else caches
        start = caches.model.get_seq_length()
        positions = torch.arange(start, start + ids.shape[1], device=ids.device)[None]
        with torch.no_grad():
            logits = forward(self.model, ids, caches.model, positions)
            rotation = self._rotation(positions)
        return logits, self.stream(ids, self._seen, rotation, caches.stream)

    def _rotation(self, positions: Tensor) -> Rotation:
        cos, sin = self.model.get_decoder().rotary_emb(self._seen.last, positions)
        return cos.float(), sin.float()

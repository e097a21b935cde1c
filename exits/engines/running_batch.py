"""The rows that a loop runs together: what is kept of them on the device, and moved as one."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from probexit.exits.engines.attention_mask import GrowingMask
from probexit.exits.engines.cache import RowCache
from probexit.exits.engines.generation import Slot
from probexit.exits.engines.row import Row

_BY_ROW = ("ids", "positions", "_uniforms", "_written", "_alive")


class RunningBatch:
    """``b`` rows, left-padded; a place is None once its row has ended.

    Attributes:
        slots: Who holds each place.
        ids: ``[b, q]`` tokens to run next: the prompts at first, then each row's newest token.
        positions: ``[b, q]`` their positions.
        mask: What of the cache, and of ``ids``, is text.
        cache: Keys and values of what was run.
    """

    def __init__(self, slots: Sequence[Slot], uniforms: Tensor, pad: int, model: Any) -> None:
        """Begin with prompts that are not run yet.

        Args:
            slots: Their slots.
            uniforms: ``[b, n]`` float64, the random numbers of each row.
            pad: Padding token.
            model: The model that will run them.
        """
        device = model.device
        self.slots: list[Slot | None] = list(slots)
        width = max(len(slot.prompt) for slot in slots)
        short = [width - len(slot.prompt) for slot in slots]
        padded = [[pad] * n + [*slot.prompt] for n, slot in zip(short, slots, strict=True)]
        columns = torch.arange(width) - torch.tensor(short)[:, None]
        self.ids = torch.tensor(padded).to(device)
        self.positions = columns.clamp(min=0).to(device)
        self.mask = GrowingMask((columns >= 0).long().to(device))
        self.cache = RowCache.of(model)
        self._uniforms = uniforms.to(device)
        self._written = torch.zeros(len(slots), 1, dtype=torch.long, device=device)
        self._alive = torch.ones_like(self._written)

    @property
    def running(self) -> bool:
        """Whether a row is left."""
        return any(self.slots)

    def newest(self) -> tuple[list[Row | None], list[int | None]]:
        """Return each place's row, and the token that it wrote last; None before the first."""
        rows = [slot.row if slot else None for slot in self.slots]
        return rows, [slot.ids[-1] if slot and slot.ids else None for slot in self.slots]

    def uniforms(self) -> Tensor:
        """Return the random number ``[b]`` of each row's next token."""
        return self._uniforms.gather(1, self._written)[:, 0]

    def advance(self, chosen: Tensor) -> None:
        """Go on to the tokens ``[b]`` that were chosen behind those just run."""
        self.ids = chosen[:, None]
        self.positions = self.positions[:, -1:] + self._alive
        self._written = self._written + self._alive
        self.mask.extend()

    def retire(self, places: Sequence[int]) -> None:
        """Empty some places; what still runs there stands at position 0 from now on."""
        if not places:
            return
        for i in places:
            self.slots[i] = None
        at = torch.tensor(list(places), device=self.ids.device)
        for kept in (self.positions, self._written, self._alive):
            kept[at] = 0

    def take(self, other: "RunningBatch") -> None:
        """Let the rows of another batch, which have run their prompts, take empty places.

        Where there are too few, as before a batch is full, the rows come below.
        """
        free = [i for i, slot in enumerate(self.slots) if slot is None][: len(other.slots)]
        if len(free) < len(other.slots):
            self._append(other)
            return
        places = torch.tensor(free, device=self.ids.device)
        added = max(0, other.mask.columns - self.mask.columns)
        self.cache.place(places, other.cache, added)
        self.mask.place(places, other.mask.view, added)
        for name in _BY_ROW:
            getattr(self, name)[places] = getattr(other, name)
        for place, slot in zip(free, other.slots, strict=True):
            self.slots[place] = slot

    def _append(self, other: "RunningBatch") -> None:
        self.cache.append(other.cache)
        self.mask.append(other.mask.view)
        for name in _BY_ROW:
            setattr(self, name, torch.cat([getattr(self, name), getattr(other, name)]))
        self.slots += other.slots

    def shrink(self) -> None:
        """Drop empty places."""
        kept = [i for i, slot in enumerate(self.slots) if slot is not None]
        rows = torch.tensor(kept, device=self.ids.device)
        self.cache.select(rows)
        self.mask.select(rows)
        for name in _BY_ROW:
            setattr(self, name, getattr(self, name)[rows])
        self.slots = [self.slots[i] for i in kept]

    def trim(self) -> None:
        """Forget the columns that no row needs: those in front of the longest text."""
        longest = max(len(slot.text) for slot in self.slots if slot)
        unused = self.mask.columns - longest
        if unused:
            self.cache.trim(unused)
            self.mask.trim(unused)

"""What a decider sees: the newest token of some rows, after a layer where they may leave."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Optional, Protocol

import torch
from torch import Tensor


class LayerReader(Protocol):
    """Reads predictions from middle layers: next tokens, or a text's class.

    Attributes:
        depth: ``L``, the model's number of layers.
    """

    depth: int

    def logits(self, hidden: Tensor, layer: int) -> Tensor:
        """Return ``[n, V]`` float32 logits of states ``[n, d]`` after ``layer``."""

    def columns(self, hidden: Tensor, layer: int, tokens: Tensor) -> Tensor:
        """Return the logits of ``tokens [n, k]`` only, ``[n, k]``."""


@dataclass(frozen=True)
class LayerView:
    """States of ``n`` rows after one layer; logits are computed only if asked for.

    Attributes:
        layer: The layer just run, from 0.
        hidden: ``[n, d]`` after it.
        before: ``[n, d]`` before it.
        step: Tokens decoded since the prompt, the present one included (1 is the first that may
            leave early).
        readout: Turns states into logits.
        previous: The same rows at the previous exit layer of this token; None at the first.
        final: ``[n]`` the full model's token; known only in shadow mode and on recorded examples.
        read: ``[n, d]`` what a head that attends made of ``hidden`` and of the text before it; None
            where the readout translates ``hidden`` alone.
    """

    layer: int
    hidden: Tensor
    before: Tensor
    step: int
    readout: LayerReader
    previous: Optional["LayerView"] = None
    final: Tensor | None = None
    read: Tensor | None = None

    @cached_property
    def logits(self) -> Tensor:
        """``[n, V]`` float32: the head's next-token logits here."""
        with torch.no_grad():  # models come with gradients switched on; deciders need none
            return self.readout.logits(*self._translatable)

    @cached_property
    def tokens(self) -> Tensor:
        """``[n]`` the likeliest next token here."""
        return self.logits.argmax(-1)

    def columns(self, tokens: Tensor) -> Tensor:
        """Return the logits of ``tokens [n, k]`` only, ``[n, k]`` float32."""
        with torch.no_grad():
            return self.readout.columns(*self._translatable, tokens)

    @property
    def _translatable(self) -> tuple[Tensor, int]:
        """The states to read and their layer; what is translated counts as the last layer's."""
        if self.read is None:
            return self.hidden, self.layer
        return self.read, self.readout.depth - 1

    def rows(self, index: Tensor) -> "LayerView":
        """Return the same look at some rows; what was computed is kept."""
        some = replace(
            self,
            hidden=self.hidden[index],
            before=self.before[index],
            previous=self.previous and self.previous.rows(index),
            final=None if self.final is None else self.final[index],
            read=None if self.read is None else self.read[index],
        )
        for name in ("logits", "tokens"):
            if name in vars(self):
                vars(some)[name] = vars(self)[name][index]
        return some

    def known(self, final: Tensor) -> "LayerView":
        """Return the same look with the full model's tokens ``[n]`` known."""
        look = replace(self, final=final, previous=self.previous and self.previous.known(final))
        vars(look).update({k: v for k, v in vars(self).items() if k in ("logits", "tokens")})
        return look

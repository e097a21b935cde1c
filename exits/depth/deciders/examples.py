"""Recorded tokens for fitting deciders: states at the exit layers of a full-depth pass."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from probexit.exits.depth.deciders.layer_view import LayerView
from probexit.exits.depth.heads.base import Head
from probexit.exits.depth.heads.readout import Readout
from probexit.hooks.layers import decoder_layers, hidden_of


@dataclass(frozen=True)
class Examples:
    """``n`` tokens of texts that the full model read, none of them padded.

    Attributes:
        layers: Exit layers, ascending; ``e`` of them.
        hidden: ``[n, e, d]`` after them.
        before: ``[n, e, d]`` before them.
        final: ``[n]`` the full model's likeliest next token.
        gold: ``[n]`` the text's next token.
        step: ``[n]`` place of the token in its text, from 1.
        groups: ``[n]`` text of each token.
        readout: Turns states into logits.
        read: ``[n, e, d]`` what a head that attends made of them, text by text; None of others.
    """

    layers: tuple[int, ...]
    hidden: Tensor
    before: Tensor
    final: Tensor
    gold: Tensor
    step: Tensor
    groups: Tensor
    readout: Readout
    read: Tensor | None = None

    def __len__(self) -> int:
        return len(self.final)

    def split(self, share: float) -> tuple["Examples", "Examples"]:
        """Return the first ``share`` of the texts, and the others.

        Raises:
            ValueError: if one of the two would be empty.
        """
        texts = int(self.groups.max()) + 1
        first = self.groups < round(share * texts)
        if bool(first.all()) or not bool(first.any()):
            raise ValueError(f"{texts} texts cannot be split at {share:g}: record more")
        return self._some(first), self._some(~first)

    def _some(self, kept: Tensor) -> "Examples":
        return replace(
            self,
            hidden=self.hidden[kept],
            before=self.before[kept],
            final=self.final[kept],
            gold=self.gold[kept],
            step=self.step[kept],
            groups=self.groups[kept],
            read=None if self.read is None else self.read[kept],
        )

    def looks(self) -> Iterator[LayerView]:
        """Yield a look at every example for each exit layer, ascending.

        Its ``step`` is 1 for all: deciders that depend on the position are not fitted.
        """
        look = None
        for e, layer in enumerate(self.layers):
            hidden, before = self.hidden[:, e], self.before[:, e]
            read = None if self.read is None else self.read[:, e]
            look = LayerView(layer, hidden, before, 1, self.readout, look, self.final, read)
            yield look

    def agreement(self) -> Tensor:
        """Return ``[n, e]`` bool: the head's token at the layer is the full model's."""
        return torch.stack([look.tokens == self.final for look in self.looks()], 1)


@torch.inference_mode()
def record(
    model: Any,
    readout: Readout,
    texts: Sequence[Sequence[int]],
    layers: Sequence[int],
    starts: Sequence[int] | None = None,
) -> Examples:
    """Read ``texts`` (token ids) at full depth and keep the states at ``layers``.

    Args:
        model: The full model, eval mode.
        readout: Its readout.
        texts: Token ids of each text, unpadded.
        layers: Exit layers.
        starts: Leading tokens of each text to leave out (its prompt), none by default.

    Raises:
        ValueError: if no text has two tokens after its start.
    """
    kept = tuple(sorted(layers))
    begins = starts or [0] * len(texts)
    parts = [
        _read(model, readout.head, text, kept, start)
        for text, start in zip(texts, begins, strict=True)
        if len(text) > start + 1
    ]
    if not parts:
        raise ValueError("no text has two tokens after its start: give longer ones")
    hidden, before, final, gold, read = (torch.cat(column) for column in zip(*parts, strict=True))
    sizes = [len(part[2]) for part in parts]
    step = torch.cat([torch.arange(1, size + 1) for size in sizes])
    groups = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    known = read if readout.head.attends else None
    return Examples(kept, hidden, before, final, gold, step, groups, readout, known)


def _read(
    model: Any, head: Head, text: Sequence[int], layers: tuple[int, ...], start: int
) -> tuple[Tensor, ...]:
    ids = torch.tensor([list(text)], device=model.device)
    seen: dict[int, tuple[Tensor, Tensor]] = {}

    def keep(layer: int) -> Any:
        def hook(module: Any, args: Any, kwargs: Any, output: Any) -> None:
            seen[layer] = (args[0] if args else kwargs["hidden_states"], hidden_of(output))

        return hook

    with ExitStack() as hooks:
        for layer in layers:
            module: Any = decoder_layers(model)[layer]
            handle = module.register_forward_hook(keep(layer), with_kwargs=True)
            hooks.callback(handle.remove)
        logits = model(input_ids=ids, use_cache=False).logits[0, start:-1]
    before, hidden = (
        torch.stack([seen[layer][side][0, start:-1] for layer in layers], 1) for side in (0, 1)
    )
    read = hidden.new_empty(0)
    if head.attends:
        states = [head.over_text(seen[layer][1], layer)[0, start:-1] for layer in layers]
        read = torch.stack(states, 1)
    return hidden, before, logits.argmax(-1), ids[0, start + 1 :], read

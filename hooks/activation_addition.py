"""Add the difference of one pair of prompts to the front of another prompt, at one layer.

Activation addition (ActAdd, arXiv 2308.10248; read in its released code): with ``h+`` and ``h-``
the states of two prompts, position by position, ``v_i = h+_i - h-_i`` is added to the states of
positions ``0 .. n - 1`` of what is prompted next. Only the prefill is changed; later tokens feel it
through the cache alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from probexit.hooks.capture import Capture
from probexit.hooks.forward import given_cache
from probexit.hooks.handles import Hooks
from probexit.hooks.layers import hidden_of, hidden_size, module_at, with_hidden


class FrontAddition(Hooks):
    """Context manager that adds a vector per position to the front of each prompt.

    Positions are those that the model is told, so that left padding moves nothing and a token that
    is decoded later is left alone.

    Args:
        model: A causal language model; not compiled yet.
        vectors: ``{layer: [n, d]}``, layers as in `probexit.hooks.layers`. The paper adds to the
            input of block ``l``, the output of our layer ``l - 1``.

    Raises:
        ValueError: on a layer that does not exist, vectors of another width or not finite; inside,
            on a prompt shorter than ``n``.
    """

    def __init__(self, model: Any, vectors: Mapping[int, Tensor]) -> None:
        super().__init__()
        width = hidden_size(model)
        for layer, added in vectors.items():
            if added.ndim != 2 or added.shape[1] != width or not bool(added.isfinite().all()):
                raise ValueError(
                    f"layer {layer}: give {width} finite values per position, [n, {width}], not "
                    f"{list(added.shape)}"
                )
        self.model = model
        self._added = {layer: added.detach() for layer, added in vectors.items()}
        self._modules = {layer: module_at(model, layer) for layer in vectors}
        self._longest = max((len(added) for added in vectors.values()), default=0)
        self._positions = torch.zeros(0)

    def _register(self) -> Iterator[RemovableHandle]:
        yield self.model.register_forward_pre_hook(self._note, with_kwargs=True)
        for layer, module in self._modules.items():
            # ahead of other hooks, so that they see what the next layer will see
            yield module.register_forward_hook(self._adder(layer), prepend=True)

    def _note(self, _: nn.Module, args: Any, kwargs: dict[str, Any]) -> None:
        """Note the position of each token of this pass, ``[b, q]``.

        A pass of one token is no prefill, wherever it says that it stands: a loop's empty rows do.
        """
        ids = args[0] if args else kwargs["input_ids"]
        if ids.shape[1] == 1:
            self._positions = torch.full(ids.shape, self._longest)
            return
        self._positions = _positions(ids, kwargs)
        begins = (self._positions == 0).any(1)
        shortest = int(self._positions[begins].max(1).values.min()) + 1 if begins.any() else 0
        if begins.any() and shortest < self._longest:
            raise ValueError(
                f"a prompt of {shortest} tokens is shorter than what is added to its front "
                f"({self._longest} positions): use a shorter pair of prompts"
            )

    def _adder(self, layer: int) -> Any:
        added = self._added[layer]

        def add(module: nn.Module, args: Any, output: Any) -> Any:
            hidden = hidden_of(output)
            places = self._positions.to(hidden.device)
            front = places < len(added)
            if not front.any():
                return output
            each = added.to(hidden)[places.clamp(max=len(added) - 1)]
            return with_hidden(output, hidden + each * front[..., None])

        return add


def _positions(ids: Tensor, kwargs: Mapping[str, Any]) -> Tensor:
    given, mask = kwargs.get("position_ids"), kwargs.get("attention_mask")
    if isinstance(given, Tensor):
        return given.expand(len(ids), -1)
    if isinstance(mask, Tensor) and mask.ndim == 2:
        found: Tensor = (mask.long().cumsum(1) - 1).clamp(min=0)[:, -ids.shape[1] :]
        return found
    cache = given_cache(kwargs)
    if cache is not None and cache.get_seq_length():
        raise ValueError("a pass over a cache needs position_ids or an attention mask")
    return torch.arange(ids.shape[1]).expand(len(ids), -1)


@torch.inference_mode()
def prompt_difference(
    model: Any, layer: int, pair: tuple[Sequence[int], Sequence[int]], pad: int
) -> Tensor:
    """Return the states of one prompt less those of another at each position, ``[n, d]`` float32.

    Args:
        model: A causal language model.
        layer: As in `probexit.hooks.layers`.
        pair: Token ids of both, with the token that the tokenizer begins a text with, if any.
        pad: What the shorter one is filled up with at its end; in the paper a space.

    Raises:
        ValueError: on a prompt without tokens.
    """
    if not all(pair):
        raise ValueError("both prompts of the pair need at least one token")
    n = max(map(len, pair))
    ids = torch.tensor([[*prompt, *[pad] * (n - len(prompt))] for prompt in pair])
    places = torch.arange(n)
    rows = torch.arange(2).repeat_interleave(n)
    with Capture(model, [layer], (rows, places.repeat(2))) as capture:
        model(input_ids=ids.to(model.device))
        found = capture.chosen()[:, 0].float().cpu()
    return found[:n] - found[n:]

"""Stand-ins for the KV cache that let a skipped layer write its keys and values and nothing more.

A decoder layer norms its input, projects and rotates keys and values, hands them to the cache and
only then attends. A stand-in whose ``update`` takes them and stops the layer right there therefore
needs no per-model code.
"""

from typing import Any, Never

from torch import Tensor

from probexit.exits.depth.interception.layer_call import LayerCall


class _Taken(Exception):  # a signal, not an error
    """Keys and values were handed over: the layer need not go on."""


class _Proxy:
    """Passes everything but ``update`` on to the real cache."""

    def __init__(self, cache: Any) -> None:
        self._cache = cache

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cache, name)


class _Capture(_Proxy):
    taken: tuple[Tensor, Tensor]

    def update(self, keys: Tensor, values: Tensor, *_: Any, **__: Any) -> Never:
        self.taken = (keys, values)
        raise _Taken


class _Merge(_Proxy):
    """Adds the captured rows to those that run, so that the cache sees one whole update."""

    def __init__(
        self, cache: Any, active: Tensor, others: Tensor, taken: tuple[Tensor, Tensor]
    ) -> None:
        super().__init__(cache)
        self._active, self._others, self._taken = active, others, taken

    def update(self, keys: Tensor, values: Tensor, *args: Any, **kwargs: Any) -> Any:
        whole = [
            _scattered(ran, self._active, other, self._others)
            for ran, other in zip((keys, values), self._taken, strict=True)
        ]
        all_keys, all_values = self._cache.update(*whole, *args, **kwargs)
        return all_keys[self._active], all_values[self._active]


def keys_and_values(call: LayerCall) -> tuple[Tensor, Tensor]:
    """Run a layer as far as its keys and values, ``[b, heads, q, d]``; nothing is written.

    Raises:
        ValueError: if the layer never hands any to the cache (linear attention, shared KV).
    """
    proxy = _Capture(call.cache)
    try:
        call.with_cache(proxy).run()
    except _Taken:
        return proxy.taken
    raise ValueError(
        f"layer {call.index} wrote no keys and values of its own (linear attention or KV shared "
        "with another layer): it cannot be skipped"
    )


def run_some(
    call: LayerCall, active: Tensor, others: Tensor, taken: tuple[Tensor, Tensor]
) -> Tensor:
    """Run ``active`` rows and write the keys and values ``taken`` for the ``others``, at once.

    Returns:
        ``[len(active), q, d]``.
    """
    return call.rows(active).with_cache(_Merge(call.cache, active, others, taken)).run()


def _scattered(ran: Tensor, active: Tensor, other: Tensor, others: Tensor) -> Tensor:
    whole = ran.new_empty(len(active) + len(others), *ran.shape[1:])
    whole[active], whole[others] = ran, other
    return whole

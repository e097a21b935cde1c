"""Forward hooks that are set on entry and gone afterwards, whatever happens inside."""

import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Self

from torch.utils.hooks import RemovableHandle


def uncompiled() -> AbstractContextManager[Any]:
    """Run compiled models eagerly meanwhile: their graphs were made without the hooks.

    Asked only where something was compiled: asking loads the compiler.
    """
    if "torch._dynamo" not in sys.modules:
        return nullcontext()
    import torch

    stance: AbstractContextManager[Any] = torch.compiler.set_stance("force_eager")
    return stance


class Hooks(ABC):
    """Context manager over a model's hooks; it can be entered again after it was left.

    A compiled model runs eagerly inside.
    """

    def __init__(self) -> None:
        self._handles: list[RemovableHandle] = []
        self._eager: AbstractContextManager[Any] = nullcontext()

    @abstractmethod
    def _register(self) -> Iterator[RemovableHandle]:
        """Set the hooks one by one, yielding the handle of each."""

    def __enter__(self) -> Self:
        try:
            self._handles.extend(self._register())
            self._eager = uncompiled()
            self._eager.__enter__()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._eager.__exit__(None, None, None)
        self._remove()

    def _remove(self) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

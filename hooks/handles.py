"""Forward hooks that are set on entry and gone afterwards, whatever happens inside."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Self

from torch.utils.hooks import RemovableHandle


class Hooks(ABC):
    """Context manager over a model's hooks; it can be entered again after it was left."""

    def __init__(self) -> None:
        self._handles: list[RemovableHandle] = []

    @abstractmethod
    def _register(self) -> Iterator[RemovableHandle]:
        """Set the hooks one by one, yielding the handle of each."""

    def __enter__(self) -> Self:
        try:
            self._handles.extend(self._register())
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._remove()

    def _remove(self) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

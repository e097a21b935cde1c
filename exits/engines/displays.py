"""Where a progress bar of the thinking is shown: on a terminal, or in a notebook cell."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib import import_module
from typing import IO, Any

from tqdm.auto import tqdm


@dataclass(frozen=True)
class ProgressReading:
    """How far one thinking has come.

    Attributes:
        name: Name of the prompt.
        share: Share of the thinking that is done, as predicted at its newest cue, in [0, 1].
        tokens: Thinking tokens so far.
        done: Whether the thinking has ended; the share is then 1.
    """

    name: str
    share: float
    tokens: int
    done: bool


class Display(ABC):
    """Shows readings, one bar each; in the order in which the thinkings began."""

    @abstractmethod
    def show(self, readings: Sequence[ProgressReading]) -> None:
        """Draw the bars anew."""

    @abstractmethod
    def close(self) -> None:
        """Leave the bars as they are: nothing more will be shown."""


class Terminal(Display):
    """One line per thinking, by tqdm; a bar may move back, as an estimate does.

    Args:
        file: Where to write; standard error if None.
    """

    def __init__(self, file: IO[str] | None = None) -> None:
        self.file = file
        self._bars: list[Any] = []

    def show(self, readings: Sequence[ProgressReading]) -> None:
        for reading in readings[len(self._bars) :]:
            layout = "{desc} |{bar}| {n:.0f} % {postfix}"
            # A file was named: bars are wanted there, also where a quiet run turns others off.
            asked = {} if self.file is None else {"disable": False}
            self._bars.append(
                tqdm(
                    total=100,
                    desc=reading.name,
                    position=len(self._bars),
                    bar_format=layout,
                    file=self.file,
                    **asked,
                )
            )
        for bar, reading in zip(self._bars, readings, strict=True):
            bar.n = 100 * reading.share
            bar.postfix = _tokens(reading)
            bar.refresh()

    def close(self) -> None:
        for bar in self._bars:
            bar.close()


class Notebook(Display):
    """One cell output that changes in place; needs IPython, which every notebook has."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, readings: Sequence[ProgressReading]) -> None:
        ipython: Any = import_module("IPython.display")
        page = ipython.HTML(as_html(readings))
        if self._handle is None:
            self._handle = ipython.display(page, display_id=True)
        else:
            self._handle.update(page)

    def close(self) -> None:
        self._handle = None


class Silent(Display):
    """Shows nothing: for a program that reads the readings itself."""

    def show(self, readings: Sequence[ProgressReading]) -> None:
        return

    def close(self) -> None:
        return


def as_html(readings: Sequence[ProgressReading]) -> str:
    """Return the bars as HTML, names escaped."""
    rows = "".join(
        f"<div>{escape(r.name)} "
        f'<progress max="1" value="{r.share:.3f}"></progress> '
        f"{100 * r.share:.0f} % {_tokens(r)}</div>"
        for r in readings
    )
    return f'<div style="font: 13px/1.6 system-ui, sans-serif">{rows}</div>'


def _tokens(reading: ProgressReading) -> str:
    return f"{reading.tokens} tokens{', done' if reading.done else ''}"

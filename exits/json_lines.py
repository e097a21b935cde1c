"""Files of one JSON object a line that only ever grow: decisions, results, looks.

A line is written with a single system call, so a kill leaves it whole, cut short at the end of the
file, or absent. What is read is checked line by line, and only a cut behind whole lines is mended.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class JsonLines(Generic[T]):
    """A file that lines are appended to, by one process at a time.

    Attributes:
        file: The file; it need not be there yet.
        parse: Makes a line's value, or raises ValueError.
        begins: How every line begins.
        remedy: What to do about a file that is none of these; ends the error's sentence.
    """

    file: Path
    parse: Callable[[str], T]
    begins: str
    remedy: str

    def read(self) -> list[T]:
        """Return the values, also while the file grows: a line not yet ended is left out.

        Raises:
            ValueError: on a line that is none (its number is named).
        """
        if not self.file.is_file():
            return []
        try:
            whole = self.file.read_bytes().decode("utf-8").rpartition("\n")[0]
        except UnicodeDecodeError as error:
            raise ValueError(f"{self.file} is not UTF-8 text: {self.remedy}") from error
        lines = whole.split("\n") if whole else []
        return [self._parsed(number, line) for number, line in enumerate(lines, 1)]

    def mend(self) -> list[T]:
        """Return the values, and take away a last line that was cut short.

        Raises:
            ValueError: as ``read``, or if what would be cut is no beginning of a line; the file is
                not touched then.
        """
        values = self.read()
        content = self.file.read_bytes() if self.file.is_file() else b""
        whole = content.rfind(b"\n") + 1
        cut, begins = content[whole:], self.begins.encode()
        if cut and not whole and not (cut.startswith(begins) or begins.startswith(cut)):
            raise ValueError(f"{self.file} holds something else: {self.remedy}")
        if cut:
            os.truncate(self.file, whole)
        return values

    def append(self, line: str) -> None:
        """Write one line, without its end, with a single system call."""
        with self.file.open("ab", buffering=0) as out:
            out.write(f"{line}\n".encode())

    def _parsed(self, number: int, line: str) -> T:
        try:
            if not line.startswith(self.begins):
                raise ValueError(f"it does not begin with {self.begins}")
            return self.parse(line)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            what = str(error).partition("\n")[0] or type(error).__name__
            raise ValueError(f"{self.file}:{number}: {what}: {self.remedy}") from error

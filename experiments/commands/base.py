"""The contract of a command: its arguments, and what it does with them."""

from abc import ABC, abstractmethod
from argparse import ArgumentParser, Namespace


class Command(ABC):
    """One subcommand; its name is its module's, its help its docstring's first line."""

    @abstractmethod
    def configure(self, parser: ArgumentParser) -> None:
        """Add this command's arguments."""

    @abstractmethod
    def run(self, args: Namespace) -> None:
        """Do it.

        Raises:
            ValueError: on bad input; shown as one line, exit code 2.
        """


def integers(text: str) -> tuple[int, ...]:
    """Parse ``1,2,3``."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"{text!r} is not a list of integers such as 3,5,6") from None


def numbers(text: str) -> tuple[float, ...]:
    """Parse ``.02,.05``."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"{text!r} is not a list of numbers such as .02,.05") from None

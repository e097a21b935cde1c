"""The contract of a command: its arguments, and what it does with them."""

import json
from abc import ABC, abstractmethod
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from typing import Any

Result = Mapping[str, Any] | Sequence[Any] | None
"""What a command found, as JSON holds it; None if it has nothing to tell."""


class Command(ABC):
    """One subcommand; its name is its module's, its help its docstring's first line."""

    @abstractmethod
    def configure(self, parser: ArgumentParser) -> None:
        """Add this command's arguments."""

    @abstractmethod
    def run(self, args: Namespace) -> Result:
        """Do it, and tell the reader on standard output.

        Returns:
            The same for a program, which ``--json`` prints instead.

        Raises:
            ValueError: on bad input; shown as one line, exit code 2.
        """


class Refused(ValueError):
    """A refusal that has something to tell a program, too.

    Attributes:
        result: What ``--json`` prints beside the sentence.
    """

    def __init__(self, message: str, result: Result) -> None:
        super().__init__(message)
        self.result = result


def integers(text: str) -> tuple[int, ...]:
    """Parse ``1,2,3``.

    Raises:
        ValueError: naming the text.
    """
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"{text!r} is not a list of integers such as 3,5,6") from None


def numbers(text: str) -> tuple[float, ...]:
    """Parse ``.02,.05``.

    Raises:
        ValueError: naming the text.
    """
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"{text!r} is not a list of numbers such as .02,.05") from None


def add_template_args(parser: ArgumentParser) -> None:
    """Add ``--template-arg``."""
    parser.add_argument(
        "--template-arg",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an argument of the chat template, such as thinking=true; may be repeated",
    )


def template_args(given: Sequence[str]) -> dict[str, Any]:
    """Parse the values of ``--template-arg``."""
    return named_values(given, "--template-arg")


def named_values(given: Sequence[str], flag: str) -> dict[str, Any]:
    """Parse ``name=value`` pairs; a value is JSON, or else a string.

    Args:
        given: The pairs.
        flag: The option they were given by.

    Raises:
        ValueError: on anything else.
    """
    pairs = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not name.isidentifier() or not equals:
            raise ValueError(f"{flag} {pair!r}: give NAME=VALUE, such as thinking=true")
        try:
            pairs[name] = json.loads(value)
        except json.JSONDecodeError:
            pairs[name] = value
    return pairs

"""What results have in common: they say in words what they are, in a terminal and in a notebook."""

from abc import ABC, abstractmethod

from probexit.exits.html import facts


class Shown(ABC):
    """Something that is shown as a title and named facts."""

    @abstractmethod
    def described(self) -> tuple[str, dict[str, str]]:
        """Return a title, and what is to be known by name."""

    def __repr__(self) -> str:
        title, told = self.described()
        wide = max(map(len, told), default=0)
        return "\n".join([title, *(f"  {name:<{wide}}  {told[name]}" for name in told)])

    def _repr_html_(self) -> str:
        title, told = self.described()
        return facts(told, title)

"""Classes as their source files state them, read without importing: importing loads torch.

Only what a listing needs is understood: classes at the top of a module of probexit, their bases
there, which of their methods are abstract, and constants in their bodies. That this is what
importing finds is tested, family by family.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import probexit

ROOT = Path(probexit.__file__).parent
INSIDE = f"{ROOT.name}."


@dataclass(frozen=True)
class SourceClass:
    """A class as it is written.

    Attributes:
        module: The dotted name of its module.
        name: Its name.
        node: What its file says.
    """

    module: str
    name: str
    node: ast.ClassDef

    @cached_property
    def order(self) -> tuple["SourceClass", ...]:
        """The class and its bases in probexit, in the order in which names are looked up."""
        bases = [found for base in self.node.bases if (found := _base(self.module, base))]
        every = [self, *(above for base in bases for above in base.order)]
        last_first = dict.fromkeys(reversed(every))  # a base that two share comes after both
        return tuple(reversed(last_first))

    @cached_property
    def abstract(self) -> bool:
        """Whether a method that one of its bases asks for is written in none of them."""
        defined: dict[str, bool] = {}
        for cls in reversed(self.order):
            defined |= _defined(cls.node)
        return any(defined.values())

    def keeps(self, contract: "SourceClass") -> bool:
        """Tell whether it is a class below ``contract``, or is it."""
        return any((c.module, c.name) == (contract.module, contract.name) for c in self.order)

    def constant(self, name: str) -> object:
        """Return the constant of this name in its body or a base's; a member of an enumeration too.

        Raises:
            ValueError: if there is none, or it is no constant.
        """
        for cls in self.order:
            for key, value in assigned(cls.node):
                if key == name:
                    return _constant(cls.module, value)
        raise ValueError(f"{self.module}: {self.name} states no {name}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SourceClass) and hash(self) == hash(other)

    def __hash__(self) -> int:
        return hash((self.module, self.name))


def file_of(module: str) -> Path:
    """Return the file of a module of probexit, or of a package's ``__init__``."""
    path = ROOT.joinpath(*module.removeprefix(INSIDE).split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@cache
def tree_of(module: str) -> ast.Module:
    """Return what a module's file says."""
    return ast.parse(file_of(module).read_text(encoding="utf-8"))


def first_line(module: str) -> str:
    """Return the first line of a module's docstring: what it is for."""
    text = (ast.get_docstring(tree_of(module)) or "").strip()
    return text.splitlines()[0] if text else ""


def classes_in(module: str) -> list[SourceClass]:
    """Return the classes that a module defines, in their order."""
    nodes = (node for node in tree_of(module).body if isinstance(node, ast.ClassDef))
    return [SourceClass(module, node.name, node) for node in nodes]


@cache
def class_at(module: str, name: str) -> SourceClass | None:
    """Return a class by where it is used: defined there, or imported from another module."""
    for found in classes_in(module):
        if found.name == name:
            return found
    for node in tree_of(module).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(INSIDE):
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return class_at(str(node.module), alias.name)
    return None


def assigned(node: ast.ClassDef) -> Iterator[tuple[str, ast.expr]]:
    """Yield the names that a class body gives a value, and the value."""
    for line in node.body:
        if isinstance(line, ast.AnnAssign) and line.value and isinstance(line.target, ast.Name):
            yield line.target.id, line.value
        elif isinstance(line, ast.Assign):
            yield from ((t.id, line.value) for t in line.targets if isinstance(t, ast.Name))


def _base(module: str, node: ast.expr) -> SourceClass | None:
    node = node.value if isinstance(node, ast.Subscript) else node
    return class_at(module, node.id) if isinstance(node, ast.Name) else None


def _defined(node: ast.ClassDef) -> dict[str, bool]:
    """Return the names that a class body defines, and whether as abstract."""
    own = {name: False for name, _ in assigned(node)}
    for line in node.body:
        if isinstance(line, ast.FunctionDef | ast.AsyncFunctionDef):
            marks = {mark.id for mark in line.decorator_list if isinstance(mark, ast.Name)}
            own[line.name] = "abstractmethod" in marks
    return own


def _constant(module: str, node: ast.expr) -> object:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        owner = class_at(module, node.value.id)
        if owner is not None:
            return owner.constant(node.attr)
    return ast.literal_eval(node)

"""Signatures as the source writes them, their names made whole so that they link.

autodoc evaluates annotations: ``ArrayLike`` then takes nine lines. Here a module is parsed once,
and each annotation keeps its words; an imported name is replaced by where it comes from.
"""

import ast
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from sphinx.application import Sphinx

Function = ast.FunctionDef | ast.AsyncFunctionDef


class _Whole(ast.NodeTransformer):
    """Replaces names by full ones; what is unknown here is a builtin, or stands in the module."""

    def __init__(self, homes: dict[str, str]) -> None:
        self.homes = homes

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.parse(self.homes.get(node.id, node.id), mode="eval").body

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        if not isinstance(node.value, str):
            return node
        return self.visit(ast.parse(node.value, mode="eval").body)  # a forward reference


@cache
def _functions(name: str) -> dict[str, Function]:
    """Map the qualified names of a module's functions to them, their annotations whole."""
    module = sys.modules[name]
    tree = ast.parse(Path(str(module.__file__)).read_text("utf-8"))
    whole, found = _Whole(_homes(tree, module)), {}
    for node in tree.body:
        for inner in node.body if isinstance(node, ast.ClassDef) else [node]:
            if isinstance(inner, Function):
                _annotate(inner, whole)
                prefix = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
                found[prefix + inner.name] = inner
    return found


def _homes(tree: ast.Module, module: ModuleType) -> dict[str, str]:
    homes = {
        node.name: f"{module.__name__}.{node.name}"
        for node in tree.body
        if isinstance(node, ast.ClassDef)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            homes |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return homes


def _annotate(function: Function, whole: _Whole) -> None:
    every = function.args
    for argument in [*every.posonlyargs, *every.args, *every.kwonlyargs, every.vararg, every.kwarg]:
        if argument is not None and argument.annotation is not None:
            argument.annotation = whole.visit(argument.annotation)
    if function.returns is not None:
        function.returns = whole.visit(function.returns)


def written(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, signature: str, returns: str
) -> tuple[str, str] | None:
    """Return the signature as written; None leaves autodoc's own (dataclasses)."""
    where = str(getattr(obj, "__module__", ""))
    if what not in ("function", "method") or not where.startswith("probexit."):
        return None
    found = _functions(where).get(getattr(obj, "__qualname__", ""))
    if found is None:
        return None
    arguments = found.args
    if what == "method" and arguments.args and arguments.args[0].arg in ("self", "cls"):
        arguments.args = arguments.args[1:]
    told = "" if found.returns is None else ast.unparse(found.returns)
    return f"({ast.unparse(arguments)})", told


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("autodoc-process-signature", written)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""Public names say their shapes and their errors: the docstrings are the reference.

For every public function and method of the package, unless it overrides one, whose contract then
stands in the base class:

- it has a docstring, or is a property that its class lists under ``Attributes:``;
- an array it takes or returns has its shape there, as ``[n, d]`` (not the named ones of a file);
- a ``ValueError`` that its own body raises stands under ``Raises:``;
- if it lists arguments, it lists them all.

The docstrings of the class and of the module count for shapes, so that these stand once.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("hooks", "probes", "calibration", "exits", "experiments")
ARRAYS = {"Tensor", "ArrayLike", "NDArray", "ndarray"}
NAMED = re.compile(r"(?:Mapping|dict)\[str, (?:\w+\.)?\w+\]")
SHAPE = re.compile(r"\[[^\]]*\]|any shape|Arguments as :", re.I)
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Public:
    """A public function, and the class it stands in."""

    where: str
    module: ast.Module
    node: Function
    holder: ast.ClassDef | None = None

    @property
    def text(self) -> str:
        around = (self.node, self.module, *([self.holder] if self.holder else []))
        return "\n".join(ast.get_docstring(node) or "" for node in around)

    @property
    def arguments(self) -> list[ast.arg]:
        args = self.node.args
        every = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
        return [a for a in every if a is not None and a.arg not in ("self", "cls")]


def trees() -> dict[str, ast.Module]:
    files = [file for folder in FOLDERS for file in sorted((ROOT / folder).rglob("*.py"))]
    return {str(f.relative_to(ROOT)): ast.parse(f.read_text("utf-8")) for f in files}


def public(where: str, tree: ast.Module, classes: dict[str, ast.ClassDef]) -> Iterator[Public]:
    for node in tree.body:
        if isinstance(node, Function) and not node.name.startswith("_"):
            yield Public(where, tree, node)
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            inherited = set(names_of_bases(node, classes))
            for inner in node.body:
                if isinstance(inner, Function) and is_public(inner) and inner.name not in inherited:
                    yield Public(f"{where}:{node.name}", tree, inner, node)


def is_public(node: Function) -> bool:
    decorators = {ast.unparse(d).rpartition(".")[2] for d in node.decorator_list}
    return not node.name.startswith("_") and not decorators & {"setter", "overload"}


def names_of_bases(node: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> Iterator[str]:
    """The methods that a class has from bases in the package (class names are unique there)."""
    for base in node.bases:
        known = classes.get(ast.unparse(base).split("[")[0].rpartition(".")[2])
        if known is not None:
            yield from (inner.name for inner in known.body if isinstance(inner, Function))
            yield from names_of_bases(known, classes)


def raises(node: Function) -> bool:
    """Whether its own body raises a ValueError, not that of a function inside."""
    pending: list[ast.AST] = list(node.body)
    while pending:
        here = pending.pop()
        if isinstance(here, Function | ast.Lambda):
            continue
        if isinstance(here, ast.Raise) and "ValueError" in ast.unparse(here):
            return True
        pending += ast.iter_child_nodes(here)
    return False


def takes_arrays(annotation: ast.expr | None) -> bool:
    told = "" if annotation is None else NAMED.sub("", ast.unparse(annotation))
    return bool(ARRAYS & set(re.findall(r"\w+", told)))


def listed(text: str, title: str = "Args") -> set[str]:
    section = re.search(rf"^{title}:\n((?:[ \t]+.*\n?|\n)*)", text, re.M)
    return (
        set(re.findall(r"^\s+\*{0,2}(\w+)(?: \(.*?\))?:", section[1], re.M)) if section else set()
    )


def faults(each: Public) -> list[str]:
    own, name = ast.get_docstring(each.node) or "", f"{each.where}:{each.node.name}"
    if not own:
        described = each.holder is not None and each.node.name in listed(each.text, "Attributes")
        return [] if described else [f"{name} has no docstring"]
    found = []
    arrays = any(takes_arrays(a.annotation) for a in each.arguments)
    if (arrays or takes_arrays(each.node.returns)) and not SHAPE.search(each.text):
        found.append(f"{name} names no shape such as [n, d]")
    if raises(each.node) and "Raises:" not in own:
        found.append(f"{name} raises ValueError and has no 'Raises:'")
    missing = {a.arg for a in each.arguments} - listed(own)
    if listed(own) and missing:
        found.append(f"{name} lists arguments without {', '.join(sorted(missing))}")
    return found


TREES = trees()
CLASSES = {
    node.name: node
    for tree in TREES.values()
    for node in ast.walk(tree)
    if isinstance(node, ast.ClassDef)
}
PUBLIC = [each for where, tree in TREES.items() for each in public(where, tree, CLASSES)]


@pytest.mark.parametrize("folder", FOLDERS)
def test_public_functions_say_what_they_take_and_refuse(folder: str) -> None:
    here = [each for each in PUBLIC if each.where.startswith(f"{folder}/")]
    assert len(here) > 20
    assert [fault for each in here for fault in faults(each)] == []


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("def f(x: Tensor) -> None:\n    pass", "no docstring"),
        ('def f(x: Tensor) -> None:\n    """Take x."""', "no shape"),
        ('def f(x: int) -> None:\n    """Take x."""\n    raise ValueError(x)', "no 'Raises:'"),
        ('def f(x: int, y: int) -> None:\n    """Do.\n\n    Args:\n        x: One.\n    """', "y"),
        ('def f(x: Tensor) -> None:\n    """Take ``x [n]``."""', None),
        ('def f(x: dict[str, Tensor]) -> None:\n    """Take tensors by name."""', None),
    ],
)
def test_the_check_sees_what_is_missing(body: str, fault: str | None) -> None:
    (each,) = public("sample.py", ast.parse(body), {})
    found = faults(each)
    assert found == [] if fault is None else fault in found[0]


def test_a_method_that_overrides_says_nothing_again() -> None:
    tree = ast.parse("class A:\n    def f(self): ...\nclass B(A):\n    def f(self): ...")
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    assert [each.where for each in public("m.py", tree, classes)] == ["m.py:A"]


def taken_for_types(tree: ast.Module) -> list[str]:
    """Docstrings of constants with a colon, before which the site expects a type."""
    told = zip(tree.body, tree.body[1:], strict=False)
    texts = [
        after.value.value
        for before, after in told
        if isinstance(before, ast.Assign | ast.AnnAssign)
        and isinstance(after, ast.Expr)
        and isinstance(after.value, ast.Constant)
    ]
    return [t for t in texts if ": " in re.sub("``.*?``", "", str(t).splitlines()[0])]


def test_docstrings_of_constants_begin_with_no_type() -> None:
    assert {w: found for w, tree in TREES.items() if (found := taken_for_types(tree))} == {}
    assert taken_for_types(ast.parse('N = 2\n"""Rows: two."""')) == ["Rows: two."]

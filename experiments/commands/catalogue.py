"""The members of a family with what they say of themselves, from their files alone.

Importing them all takes seconds, since it loads torch and transformers; a list needs neither.
"""

from collections.abc import Iterator

from probexit.experiments.commands.source_classes import (
    SourceClass,
    assigned,
    class_at,
    classes_in,
    file_of,
)


def catalogue(package: str) -> dict[str, SourceClass]:
    """Return what `probexit.experiments.registry.members` would, without importing it."""
    kept_by = [cls for cls in classes_in(_base(package)) if cls.abstract]
    found = {}
    for module in sorted(_modules(package), key=lambda name: name.rpartition(".")[2]):
        for cls in classes_in(module):
            if not cls.abstract and any(cls.keeps(contract) for contract in kept_by):
                found[module.rpartition(".")[2]] = cls
    return found


def values_of(module: str, enumeration: str) -> list[object]:
    """Return the values of an enumeration, in its order.

    Raises:
        ValueError: if the module has no such class.
    """
    found = class_at(module, enumeration)
    if found is None:
        raise ValueError(f"{module} has no {enumeration}")
    return [found.constant(name) for name, _ in assigned(found.node)]


def _base(package: str) -> str:
    own = f"{package}.base"
    return own if file_of(own).is_file() else f"{package}.core.base"


def _modules(package: str) -> Iterator[str]:
    """Yield a family's modules; of a family without its own ``base``, those of its folders."""
    folder = file_of(package).parent
    flat = (folder / "base.py").is_file()
    for path in sorted(folder.iterdir()):
        if path.suffix == ".py" and path.stem != "__init__":
            yield f"{package}.{path.stem}"
        elif not flat and (path / "__init__.py").is_file() and not (path / "base.py").is_file():
            yield from _modules(f"{package}.{path.name}")

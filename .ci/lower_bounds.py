"""Print the lower bounds of pyproject.toml as exact pins, for `make test-lowest`."""

import re
import sys
import tomllib
from pathlib import Path


def lower_bounds(pyproject: Path) -> list[str]:
    """Return ``name==bound`` for every requirement that has a lower bound."""
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["record"]]
    found = (re.match(r"([\w-]+)(?:\[[^]]*\])?>=([\w.]+)", line) for line in wanted)
    return [f"{match[1]}=={match[2]}" for match in found if match]


if __name__ == "__main__":
    skipped = set(sys.argv[1:])
    pins = lower_bounds(Path("pyproject.toml"))
    print("\n".join(pin for pin in pins if pin.split("==")[0] not in skipped))

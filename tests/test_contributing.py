"""CONTRIBUTING's map is the tree, and every member has an example of its own under test."""

import re
from pathlib import Path

import pytest

from probexit.probes.artefacts.registry import members

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
FAMILIES = {
    match[1].removesuffix("/NAME.py").removesuffix("/FAMILY")
    for match in re.finditer(r"^\| [^|]+ \| `(\S+NAME\.py)`", TEXT, re.M)
}


def test_the_map_names_what_is_there() -> None:
    paths = re.findall(r"`((?:\w+/)+(?:\w+\.py)?)`", TEXT)
    assert len(paths) > 30
    known = [
        p
        for p in paths
        if not {"NAME", "FAMILY", "RULE", "COMMAND", "heads", "modes"} & set(re.split(r"\W", p))
    ]
    assert [p for p in known if not (ROOT / p).exists()] == []


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_every_member_has_an_example(family: str) -> None:
    found = members("probexit." + family.replace("/", "."))
    folder = ROOT / "tests" / family
    texts = [file.read_text(encoding="utf-8") for file in folder.rglob("test_*.py")]
    named = {name: _named(name, cls) for name, cls in found.items()}
    assert found
    assert [
        name for name, word in named.items() if not any(re.search(word, t) for t in texts)
    ] == []


def _named(name: str, member: type) -> str:
    names = {name, name.replace("_", " "), member.__name__, getattr(member, "title", name)}
    return rf"\b({'|'.join(re.escape(each) for each in names)})\b"

"""Whatever happens to a saved folder: it loads and decides the same, or a sentence names the file.

A controller of format 2 carries hashes, so no change passes. One of format 1 has none: a change
that makes another controller of it is read as that one; what is no controller is refused.
"""

import json
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from probexit.exits.controller import ExitController
from probexit.exits.depth.controller import DepthController

GOLDEN = Path(__file__).parents[2] / "data" / "controllers"
KINDS = {"reasoning": ExitController, "layers": DepthController}
FOLDERS = sorted(GOLDEN.glob("format-*/*/*"))
PER_FOLDER = 12
Mutation = Callable[[Path, random.Random], None]


def files(folder: Path) -> list[Path]:
    found = (file for file in sorted(folder.rglob("*")) if file.name != "decisions.json")
    return [file for file in found if file.is_file()]


def cut(file: Path, rng: random.Random) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: rng.randrange(len(content))])


def flip(file: Path, rng: random.Random) -> None:
    content = bytearray(file.read_bytes())
    for _ in range(rng.randint(1, 3)):
        content[rng.randrange(len(content))] = rng.randrange(256)
    file.write_bytes(content)


def insert(file: Path, rng: random.Random) -> None:
    content, place = file.read_bytes(), 0
    place = rng.randrange(len(content))
    odd = rng.choice(
        [b"\0", b"\xff", b"[" * 100_000, b"9" * 5000, b'{"a":1,"a":2}', b"1e999", b","]
    )
    file.write_bytes(content[:place] + odd + content[place:])


def mark(file: Path, _: random.Random) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())


def windows(file: Path, _: random.Random) -> None:
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))


def delete(file: Path, _: random.Random) -> None:
    file.unlink()


def link(file: Path, _: random.Random) -> None:
    kept = file.with_name("kept")
    file.rename(kept)
    file.symlink_to(kept)


def make_folder(file: Path, _: random.Random) -> None:
    file.unlink()
    file.mkdir()


def swap(file: Path, rng: random.Random) -> None:
    """Put a file of another controller in its place; of one that has several, so not all of it."""
    several = [files(other) for other in FOLDERS if len(files(other)) > 1]
    others = [f for them in several for f in them if f.suffix == file.suffix]
    shutil.copy(rng.choice(others), file)


def places(data: Any) -> Iterator[tuple[Any, Any]]:
    for key in data if isinstance(data, dict) else range(len(data)):
        yield data, key
        if isinstance(data[key], dict | list):
            yield from places(data[key])


ODD = [
    None,
    True,
    -1,
    0,
    1e308,
    2**70,
    "",
    "inf",
    "\ud800",
    [],
    {},
    [[]],
    0.5,
    "wait",
    {"class": 1},
]


def change(file: Path, rng: random.Random) -> None:
    """Put something odd in one place of a JSON file, or take the place away."""
    if file.suffix != ".json":
        return flip(file, rng)
    data = json.loads(file.read_text())
    where, key = rng.choice(list(places(data)))
    if rng.random() < 0.2:
        del where[key]
    else:
        where[key] = rng.choice(ODD)
    file.write_text(json.dumps(data))
    return None


MUTATIONS: list[Mutation] = [
    cut, flip, insert, mark, windows, delete, link, make_folder, swap, change, change, change,
]  # fmt: skip


@pytest.mark.parametrize("golden", FOLDERS, ids=lambda f: "/".join(f.parts[-3:]))
def test_the_same_or_a_sentence(golden: Path, decisions: Any, tmp_path: Path) -> None:
    kind: Any = KINDS[golden.parent.name]
    expected, rng = decisions(kind.load(golden)), random.Random(golden.name)
    for i in range(PER_FOLDER):
        folder = tmp_path / str(i)
        shutil.copytree(golden, folder)
        mutate = MUTATIONS[i % len(MUTATIONS)]
        mutate(rng.choice(files(folder)), rng)
        try:
            loaded = kind.load(folder)
        except ValueError as error:
            said = str(error)
            assert str(folder) in said, (mutate, said)
            assert "\n" not in said.strip(), (mutate, said)
            continue
        if "format-2" in golden.parts:
            assert decisions(loaded) == expected, mutate
        else:
            loaded.save(folder)
            assert kind.load(folder) == loaded

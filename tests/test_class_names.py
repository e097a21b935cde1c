"""One class name, one thing: no two public classes of the package share a name."""

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parent.parent
TOPS = ("hooks", "probes", "calibration", "exits", "experiments")


def shared(texts: dict[str, str]) -> dict[str, list[str]]:
    """Return the public classes that several files define, with these files."""
    homes: dict[str, list[str]] = defaultdict(list)
    for file, text in texts.items():
        for node in ast.parse(text).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(file)
    return {name: files for name, files in homes.items() if len(files) > 1}


def test_no_two_public_classes_share_a_name() -> None:
    files = [file for top in TOPS for file in sorted((ROOT / top).rglob("*.py"))]
    found = shared({str(f.relative_to(ROOT)): f.read_text(encoding="utf-8") for f in files})
    assert found == {}


def test_the_check_sees_a_shared_name() -> None:
    texts = {"a.py": "class Look: ...\nclass _Own: ...", "b.py": "class Look: ...\nclass _Own: ..."}
    assert shared(texts) == {"Look": ["a.py", "b.py"]}

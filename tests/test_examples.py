"""Harnesses measure fewer tokens under a controller, and about the same answers."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"
PACKAGES = {"lm_eval_harness.py": "lm_eval", "inspect_provider.py": "inspect_ai"}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name,
            marks=pytest.mark.skipif(
                find_spec(package) is None,
                reason=f"{package} is not installed: make test-harness has it",
            ),
        )
        for name, package in PACKAGES.items()
    ],
)
def test_a_harness_measures_the_exits(name: str, mine: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), str(mine / "controller"), "--n", "8"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    lines = re.findall(r"^(.+): ([\d.]+)% right, (\d+) tokens each$", done.stdout, re.M)
    (full, right, tokens), (_, kept, fewer) = lines
    assert full == "full run"
    assert float(right) >= 75
    assert float(kept) >= 50  # the controller was certified at 30 %
    assert int(fewer) < int(tokens)


def test_every_example_is_tried() -> None:
    shared = {"arith_questions.py"}
    assert {file.name for file in EXAMPLES.glob("*.py")} - shared == set(PACKAGES)

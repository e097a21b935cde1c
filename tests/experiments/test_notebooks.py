"""The notebooks as a reader finds them; `pytest --nbmake experiments/notebooks` executes them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

import probexit.experiments

FOLDER = Path(probexit.experiments.__file__).parent / "notebooks"
PAGES = sorted(FOLDER.glob("*.ipynb"))
LARGEST = 400_000  # bytes


@pytest.fixture(params=PAGES, ids=lambda file: file.stem)
def page(request: pytest.FixtureRequest) -> Path:
    file: Path = request.param
    return file


def cells(file: Path, kind: str) -> list[dict[str, Any]]:
    notebook = json.loads(file.read_text(encoding="utf-8"))
    return [cell for cell in notebook["cells"] if cell["cell_type"] == kind]


def test_there_are_six() -> None:
    assert [file.name[:2] for file in PAGES] == ["00", "01", "02", "03", "04", "05"]


def test_a_page_was_executed_in_order_and_without_complaint(page: Path) -> None:
    code = cells(page, "code")
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell["outputs"]]
    assert outputs
    assert not [o for o in outputs if o["output_type"] == "error" or o.get("name") == "stderr"]


def test_a_page_is_small_and_names_no_machine(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert len(text) < LARGEST
    assert not re.findall(r"/(?:home|root|tmp|work|Users)/\w+", text)


def test_a_page_teaches(page: Path) -> None:
    """Prose before code, short cells, lines that fit, a summary and a link to the next page."""
    prose = ["".join(cell["source"]) for cell in cells(page, "markdown")]
    assert prose[0].startswith(f"# {int(page.name[:2])}. ")
    assert any("**To take home.**" in text for text in prose)
    for cell in cells(page, "code"):
        lines = "".join(cell["source"]).splitlines()
        assert len(lines) <= 30
        assert max(map(len, lines)) <= 105
    for link in re.findall(r"\]\((\w+\.ipynb)\)", "".join(prose)):
        assert (FOLDER / link).is_file()

import json
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def excerpts() -> Path:
    return Path(__file__).parents[3] / "data" / "tasks"


@pytest.fixture
def lines(tmp_path: Path) -> Callable[..., Path]:
    """Write a file of JSON lines; a string is written as it stands."""

    def write(*rows: object) -> Path:
        path = tmp_path / "rows.jsonl"
        texts = [row if isinstance(row, str) else json.dumps(row) for row in rows]
        path.write_text("\n".join(texts) + "\n", encoding="utf-8")
        return path

    return write

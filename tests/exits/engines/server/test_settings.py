"""What the environment says about exits in a serving engine."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from probexit.exits.engines.server.settings import Settings


@pytest.fixture(autouse=True)
def _controller(
    reading: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading(0.5).save(tmp_path / "controller")
    monkeypatch.setenv("PROBEXIT_CONTROLLER", str(tmp_path / "controller"))
    monkeypatch.setenv("PROBEXIT_COUNTS", str(tmp_path / "counts"))
    for name in ("LOG", "AUDIT", "AUDIT_SEED", "ON_ERROR"):
        monkeypatch.delenv(f"PROBEXIT_{name}", raising=False)


def test_nobody_is_audited_unless_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert Settings.from_environment().audit.rate == 0
    monkeypatch.setenv("PROBEXIT_LOG", str(tmp_path / "log"))
    monkeypatch.setenv("PROBEXIT_AUDIT", "0.05")
    monkeypatch.setenv("PROBEXIT_AUDIT_SEED", "3")
    audit = Settings.from_environment().audit
    assert (audit.rate, audit.seed) == (0.05, 3)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("AUDIT", "1.5", "give a share from 0 to 1"),
        ("AUDIT", "some", "give a share from 0 to 1"),
        ("AUDIT_SEED", "x", "a whole number"),
        ("AUDIT", "0.1", "set PROBEXIT_LOG, too"),
        ("ON_ERROR", "hope", "use fail or think"),
    ],
)
def test_what_cannot_be(
    name: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"PROBEXIT_{name}", value)
    with pytest.raises(ValueError, match=message):
        Settings.from_environment()

"""Only the series that was tried; another is refused with both named."""

import pytest

from probexit.exits.engines.server.versions import installed, refuse_version


@pytest.mark.parametrize("found", ["0.32", "0.32.0", "0.32.7+cpu"])
def test_the_series(found: str) -> None:
    refuse_version("vLLM", "0.32", found)


@pytest.mark.parametrize("found", ["0.33.0", "0.320.1", "0.3", "1.0.32", "not installed"])
def test_another(found: str) -> None:
    with pytest.raises(ValueError, match=rf"inside vLLM 0\.32\.\*, and this is {found}"):
        refuse_version("vLLM", "0.32", found)


def test_under_either_name() -> None:
    assert installed("no-such-engine", "numpy")[0].isdigit()
    assert installed("no-such-engine") == "not installed"

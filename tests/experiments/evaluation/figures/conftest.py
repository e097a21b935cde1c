from collections.abc import Callable

import pytest


@pytest.fixture(scope="session")
def texts() -> Callable[[object], set[str]]:
    """``texts(figure)``: everything written on its axes."""

    def read(figure: object) -> set[str]:
        axes = figure.axes  # type: ignore[attr-defined]
        written = {text.get_text() for each in axes for text in each.texts}
        ticks = {text.get_text() for each in axes for text in each.get_yticklabels()}
        return written | ticks

    return read

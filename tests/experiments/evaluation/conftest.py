from collections.abc import Callable

import pytest

from probexit.experiments.methods.core.context import Context


@pytest.fixture(scope="session")
def tiny(small: Callable[..., Context], hand_made: Callable[..., object]) -> Context:
    """Four test problems by hand; the probe leaves at .5: cue 2, cue 1 (loses), cue 3, never."""
    traces = [hand_made("-++", True), hand_made("-+", True), hand_made("--+", False)]
    scores = [(0.1, 0.6, 0.9), (0.7, 0.9), (0.1, 0.2, 0.8), (0.2, 0.3)]
    return small([*traces, hand_made("--", False)], scores)

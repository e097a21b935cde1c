"""Cue sets by name."""

import pytest

from probexit.experiments.recording.cues import CUES, cue_set
from probexit.experiments.registry import members
from probexit.hooks.cues.paragraph import Paragraph
from probexit.hooks.cues.reflection import Reflection
from probexit.hooks.cues.union import Union


@pytest.mark.parametrize("name", sorted(members(CUES)))
def test_every_cue_set_has_a_name(name: str) -> None:
    assert type(cue_set(name)) is members(CUES)[name]


def test_a_union() -> None:
    assert cue_set("reflection+paragraph") == Union((Reflection(), Paragraph()))


@pytest.mark.parametrize("name", ["reflexion", "reflection+", "+", ""])
def test_unknown(name: str) -> None:
    with pytest.raises(ValueError, match="unknown cue set"):
        cue_set(name)

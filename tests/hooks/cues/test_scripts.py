import pytest

from probexit.exits.signals.whole_words import whole_words
from probexit.hooks.cues.reflection import Reflection


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("但等等我", True),
        ("等等,", True),
        ("但等", False),
        ("まってよ", True),
        ("เดี๋ยวก่อนนะ", True),
        ("await ", False),
        ("kwait,", False),
        ("wait等", False),
    ],
)
def test_a_word_of_a_script_without_spaces_needs_none(text, found):
    words = ("wait", "等等", "まって", "เดี๋ยวก่อน")
    cues = Reflection(words)
    assert any(cues.ends(text[:cut]) for cut in range(1, len(text) + 1)) is found
    assert (whole_words(words).search(text) is not None) is found

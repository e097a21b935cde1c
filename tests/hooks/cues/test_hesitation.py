import pytest

from probexit.hooks.cues.hesitation import Hesitation
from probexit.hooks.cues.reflection import Reflection


@pytest.mark.parametrize("text", ["Actually,", "\n\nWait ", "Hmm.", "Alternatively,"])
def test_its_words(text):
    assert Hesitation().ends(text)


@pytest.mark.parametrize("text", ["actuall,", "factually,", "Actually", "awaiting "])
def test_nothing_else(text):
    assert not Hesitation().ends(text)


def test_lynx_does_not_list_actually():
    assert not Reflection().ends("Actually,")

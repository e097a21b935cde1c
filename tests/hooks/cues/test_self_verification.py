import pytest

from probexit.hooks.cues.reflection import Reflection
from probexit.hooks.cues.self_verification import SelfVerification


@pytest.mark.parametrize(
    "text", ["I Double-check ", "Make sure,", "to confirm:", "another way.", "Wait "]
)
def test_the_published_phrases(text):
    assert SelfVerification().ends(text)
    assert not SelfVerification().ends(text[:-1])


@pytest.mark.parametrize(
    "text", ["double-checked ", "make surely ", "verifying ", "Hmm,", "into confirm "]
)
def test_nothing_else(text):
    assert not SelfVerification().ends(text)


def test_is_not_the_short_list():
    assert SelfVerification() != Reflection()

import pytest

from probexit.hooks.cues.paragraph import Paragraph


@pytest.mark.parametrize("newlines", [2, 3, 4, 7])
def test_any_run_of_newlines_is_one_cue(newlines):
    text = "a" + "\n" * newlines + "b"
    assert [cut for cut in range(len(text) + 1) if Paragraph().ends(text[:cut])] == [3]


@pytest.mark.parametrize("text", ["a\n", "a\nb\n", "a\n \n", "\\n\\n"])
def test_single_newlines_are_none(text):
    assert not Paragraph().ends(text)

import pytest

from probexit.hooks.cues.sentence import Sentence


@pytest.mark.parametrize(
    "text", ["So. ", "So!\n", "So? ", "(So.) ", '"So." ', "**So.**\n", "x = 3.\t"]
)
def test_a_space_after_the_mark_ends_a_sentence(text):
    assert Sentence().ends(text)
    assert not Sentence().ends(text[:-1])
    assert not Sentence().ends(text + " ")


@pytest.mark.parametrize("text", ["3.14 ", "x.y ", "so, ", "f(x) ", "a\n", "...", " "])
def test_decimals_and_other_spaces_do_not(text):
    assert not any(Sentence().ends(text[:cut]) for cut in range(len(text) + 1))


def test_an_ellipsis_is_one_cue():
    text = "Well... no"
    assert [cut for cut in range(len(text) + 1) if Sentence().ends(text[:cut])] == [8]

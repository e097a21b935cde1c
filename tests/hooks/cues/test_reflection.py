import pytest

from probexit.hooks.cues.reflection import Reflection


@pytest.mark.parametrize(
    "text", ["Wait,", "wait ", "so WAIT.", "(hmm)", "\nHmm…", "x-wait-", "等 wait\n"]
)
def test_whole_words_in_any_case_fire_one_character_later(text):
    cues = Reflection()
    assert cues.ends(text)
    assert not cues.ends(text[:-1])
    assert not cues.ends(text + " ")


@pytest.mark.parametrize(
    "text",
    ["await ", "waiting ", "know ", "wait", "waits,", "hmmm,", "wait_ ", "_wait ", "wait2 ",
     "2wait ", "éwait ", "waité ", "wait\u0304 ", "等wait ", "wait等", "alternative, ", " "],
)  # fmt: skip
def test_parts_of_words_never_fire(text):
    cues = Reflection()
    assert not any(cues.ends(text[:cut]) for cut in range(len(text) + 1))


def test_own_words_and_phrases():
    cues = Reflection(words=("Let me re-check", "c++"))
    assert cues.ends("So let me re-check.")
    assert cues.ends("in C++ ")
    assert not cues.ends("outlet me re-check.")
    assert not cues.ends("Wait,")


def test_capitals_that_change_length_do_not_shift_the_word():
    assert Reflection().ends("İ wait ")
    assert not Reflection().ends("İwait ")


@pytest.mark.parametrize("words", [(), ("wait", ""), "wait"])
def test_no_words_are_refused(words):
    with pytest.raises(ValueError, match="tuple of words"):
        Reflection(words)

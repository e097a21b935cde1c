import pytest

from probexit.exits.signals.whole_words import whole_words

HESITATION = ("no", "wait", "hmm")


@pytest.mark.parametrize("text", ["I know", "none", "north", "await", "waiting", "no_one", "hmmm"])
def test_a_word_inside_another_is_not_found(text):
    assert not whole_words(HESITATION).search(text)


@pytest.mark.parametrize("text", ["no", "No.", "(no)", "well, NO!", "Wait, 7", "7\nhmm"])
def test_a_whole_word_is_found_in_any_case(text):
    assert whole_words(HESITATION).search(text)


def test_every_occurrence_is_found_phrases_too():
    pattern = whole_words(("wait", "make sure", "x.y"))
    assert pattern.findall("Wait, wait: make sure, not xzy. Await") == ["Wait", "wait", "make sure"]


@pytest.mark.parametrize("words", [(), ("wait", "")])
def test_words_that_match_nothing_or_everything_are_refused(words):
    with pytest.raises(ValueError, match="words must be"):
        whole_words(words)

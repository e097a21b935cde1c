from dataclasses import replace
from math import inf

import pytest

from probexit.exits.signals.hedging import HedgingDensity


@pytest.fixture
def scores(answers):
    """``scores(steps, **fields)`` of a trace with these steps."""

    def of(steps, **fields):
        trace = answers("a" * len(steps))
        trace = replace(trace, cues=replace(trace.cues, steps=tuple(steps)))
        return HedgingDensity(**fields).scores(trace).tolist()

    return of


def test_by_hand(scores):
    # "maybe", "wait" of 4 words; then "so" makes it -1 of 7; then "then", "so" make it 1 of 10
    steps = ("Maybe it is. WAIT,", " so it is", " then so be")
    assert scores(steps) == pytest.approx([-2 / 4, -1 / 7, 1 / 10])


@pytest.mark.parametrize("word", ["await", "waiting", "soul", "thenceforth", "mights"])
def test_words_are_whole(scores, word):
    assert scores([f"{word} one two"]) == [0.0]


def test_lists_of_ones_own(scores):
    fields = {"doubtful": ("no", "hold on"), "discourse": ("yes",)}
    assert scores(["I know nothing"], **fields) == [0.0]
    assert scores(["No, hold on"], **fields) == pytest.approx([-2 / 3])


def test_without_a_word_there_is_no_density(scores):
    assert scores(["\n\n", " one"]) == [-inf, 0.0]
    assert scores([]) == []


def test_refuses_what_is_no_list_of_words():
    with pytest.raises(ValueError, match="none empty"):
        HedgingDensity(doubtful=("maybe", ""))

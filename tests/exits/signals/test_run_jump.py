import math

import pytest
import scipy.stats

from probexit.exits.signals.run_jump import RunJump, p_value

NO = -math.inf


def runs(*lengths):
    """Answers that stay for so many cues each: ``runs(1, 2)`` is a, b, b."""
    return [str(i) for i, length in enumerate(lengths) for _ in range(length)]


def test_by_hand(answers):
    # runs 1 2 1 r: the earlier differences 1 and -1 have mean 0 and deviation sqrt 2, so that t is
    # the jump r - 1 itself, with one degree of freedom; it must be above 6.31
    scores = RunJump().scores(answers(runs(1, 2, 1, 9)))
    assert scores.tolist() == [NO] * 4 + [NO] * 7 + [7.0, 8.0]


def test_the_newest_difference_is_not_among_those_it_is_compared_with(answers):
    assert RunJump().scores(answers(runs(1, 2, 1, 8)))[-1] == 7  # with it, p would be .16


def test_without_two_earlier_differences_there_is_no_test(answers):
    assert set(RunJump().scores(answers(runs(1, 1, 30))).tolist()) == {NO}
    assert RunJump().scores(answers(runs(1, 1, 1, 30)))[-1] == 29


def test_a_long_run_like_the_one_before_is_no_jump(answers):
    assert RunJump().scores(answers(runs(1, 2, 1, 12, 12)))[-1] == NO


def test_a_missing_answer_is_no_answer_to_agree_with(answers):
    texts = [*runs(1, 1, 1), *[""] * 20, "x"]
    assert set(RunJump().scores(answers(texts)).tolist()) == {NO}
    assert RunJump().scores(answers([*runs(1, 1, 1, 5), "", "3"])).tolist()[-3:] == [4, NO, NO]


def test_spaces_do_not_matter(answers):
    texts = [*runs(1, 1, 1), "7", " 7", "7\n"]
    assert RunJump().scores(answers(texts))[-1] == 2


def test_nothing_that_comes_later_matters(answers):
    texts = runs(1, 2, 1, 9, 1)
    whole = RunJump().scores(answers(texts))
    for c in range(1, len(texts) + 1):
        assert RunJump().scores(answers(texts[:c]))[-1] == whole[c - 1]


@pytest.mark.parametrize(("earlier", "newest"), [((1, -1, 3), 8), ((0, 4, 5, 1), 2), ((2, 9), 3)])
def test_p_value_is_that_of_scipy(earlier, newest):
    expected = scipy.stats.ttest_1samp(earlier, newest, alternative="less").pvalue
    assert p_value(earlier, newest) == pytest.approx(expected)


def test_p_value_without_spread():
    assert [p_value((1, 1), newest) for newest in (0, 1, 2)] == [1.0, 1.0, 0.0]


def test_an_impossible_level_is_refused():
    with pytest.raises(ValueError, match=r"level=1\.5"):
        RunJump(level=1.5)

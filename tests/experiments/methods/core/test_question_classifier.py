import pytest

from probexit.experiments.methods.core.question_classifier import QuestionClassifier

EASY = [f"What is {i} plus 1?" for i in range(20)]
HARD = [f"Prove claim {i}!" for i in range(20)]


def test_words_tell_questions_apart():
    classifier = QuestionClassifier.fit([*EASY, *HARD], [1.0] * 20 + [0.0] * 20)
    plus, prove = classifier.score(["What is 99 plus 1?", "Prove claim 99!"]).tolist()
    assert prove < 0.3 < 0.7 < plus
    assert classifier.score([]).shape == (0,)


def test_soft_labels_are_chances():
    """Trained on chances of .8 and .3, it says about as much."""
    classifier = QuestionClassifier.fit([*EASY * 20, *HARD * 20], [0.8] * 400 + [0.3] * 400)
    plus, prove = classifier.score(["What is 3 plus 1?", "Prove claim 3!"]).tolist()
    assert plus == pytest.approx(0.8, abs=0.05)
    assert prove == pytest.approx(0.3, abs=0.05)


@pytest.mark.parametrize("alike", [0.0, 1.0])
def test_one_class_is_refused(alike):
    with pytest.raises(ValueError, match="one class"):
        QuestionClassifier.fit(EASY, [alike] * 20)

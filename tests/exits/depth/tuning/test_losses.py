"""What a text under layer exits loses against the full model's."""

import pytest

from probexit.exits.depth.tuning.losses import AnswerDiffers


@pytest.mark.parametrize("nothing", ["", None])
def test_no_answer_is_no_agreement(nothing: str | None) -> None:
    loss = AnswerDiffers(lambda _, text: {3: "a", 4: "b"}.get(text[-1], nothing))
    assert loss(0, [1, 3], [2, 3]) == 0
    assert loss(0, [1, 4], [2, 3]) == 1
    assert loss(0, [1, 9], [2, 3]) == 1
    assert loss(0, [1, 9], [2, 9]) == 1  # neither answers, and the texts differ
    assert loss(0, [1, 9], (1, 9)) == 0  # the very same text
    assert [loss.unanswered(0, [end]) for end in (3, 9)] == [False, True]

from collections.abc import Callable
from pathlib import Path

import pytest

from probexit.experiments.recording.tasks.gsm8k import Gsm8k


def test_gold_stands_behind_the_mark_without_commas(excerpts: Path) -> None:
    golds = [item.gold for item in Gsm8k(excerpts / "gsm8k.jsonl").items()]
    assert golds[:3] == ["18", "3", "70000"]
    assert "114200" in golds
    assert "-10" in golds


def test_the_question_is_asked_whole_and_with_a_request_for_a_box(excerpts: Path) -> None:
    question = next(Gsm8k(excerpts / "gsm8k.jsonl").items()).question
    assert question.startswith("Janet\u2019s ducks lay 16 eggs per day.")
    assert "farmers' market?\n\n" in question
    assert question.endswith("\\boxed{}.")


@pytest.mark.parametrize("answer", ["16 - 3 = 13", "So it is\n#### "])
def test_an_answer_without_gold_is_named(lines: Callable[..., Path], answer: str) -> None:
    good = {"question": "1 + 1?", "answer": "#### 2"}
    path = lines(good, {"question": "16 - 3?", "answer": answer})
    with pytest.raises(ValueError, match=r"rows\.jsonl:2: 'answer' has no gold answer behind"):
        Gsm8k(path).items()


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("She makes 9 * 2 = $18 every day at the market.", True),
        ("She sells 9 eggs.\n\n**The answer is: $18.00 per day.**", True),
        ("The answer is \\boxed{\\$18}", True),
        ("The answer is 18 dollars, because 9 * 2 = 18.", True),
        ("The answer is 180.", False),
        ("The answer is 1,8.", False),
        ("16 - 3 - 4 = 9 eggs are sold, so the answer is 9.", False),
        ("The final answer is \\boxed{18", False),
    ],
)
def test_real_ways_of_answering(text: str, right: bool) -> None:
    task = Gsm8k()
    assert task.same("18", task.extract(text)) == right

"""A gold answer graded against itself is right, in every form in which models write it."""

import json
from itertools import pairwise
from pathlib import Path

import pytest

from probexit.experiments.recording.tasks.aime import Aime
from probexit.experiments.recording.tasks.base import Task
from probexit.experiments.recording.tasks.gsm8k import Gsm8k
from probexit.experiments.recording.tasks.math500 import Math500
from probexit.experiments.recording.tasks.multiple_choice import MultipleChoice

GOLDS = json.loads((Path(__file__).parents[3] / "data/golds/answers.json").read_text())
FORMS = (
    "{}",
    r"\boxed{{{}}}",
    "${}$",
    "The answer is {}.",
    "The answer is: {}",
    "The answer is ${}$.",
    r"\[{}\]",
    r"\({}\)",
    "#### {}",
    "<answer>{}</answer>",
    "**{}**",
    "So it follows.\n\n{}",
    "The final answer is $\\boxed{{{}}}$. I hope it is correct.",
    "答案是{}。",
    "Therefore\n\n$${}$$",
)
TASKS: dict[str, tuple[Task, list[str]]] = {
    "gsm8k": (Gsm8k(), GOLDS["gsm8k"]),
    "math500": (Math500(), GOLDS["math500"]),
    "aime": (Aime(), GOLDS["aime"]),
    "choice": (MultipleChoice(), list("ABCDE")),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", TASKS)
def test_gold_is_right_in_every_form(name: str, form: str) -> None:
    task, golds = TASKS[name]
    read = [(gold, task.extract(form.format(gold))) for gold in golds]
    assert [pair for pair in read if not task.same(pair[1], pair[0])] == []


@pytest.mark.parametrize("name", TASKS)
def test_neighbours_are_not_mistaken_for_each_other(name: str) -> None:
    task, golds = TASKS[name]
    several = list(dict.fromkeys(golds))
    taken = sum(task.same(a, b) for a, b in pairwise(several))
    assert taken <= len(several) // 50  # x and {x} may stand side by side

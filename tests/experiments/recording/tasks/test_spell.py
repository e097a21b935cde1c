import re
from collections import defaultdict
from itertools import islice

from probexit.experiments.recording.tasks.spell import Spell


def test_the_answer_depends_on_the_question_alone_and_takes_many_values() -> None:
    items = list(islice(Spell().items(), 300))
    again = {item.question: item.gold for item in islice(Spell(seed=0).items(), 300)}
    assert all(again[item.question] == item.gold for item in items)
    golds = defaultdict(int)
    for item in items:
        assert re.fullmatch(r"[a-z]{3}", item.gold)
        golds[item.gold] += 1
    assert len(golds) >= 12
    assert max(golds.values()) < 60

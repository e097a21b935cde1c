import re
from itertools import islice

from probexit.experiments.recording.tasks.arith import Arith


def test_gold_is_what_the_question_says_modulo_23() -> None:
    for item in islice(Arith(variant="hard").items(), 100):
        value = int(re.findall(r"Start with (\d+)\.", item.question)[0])
        for verb, amount in re.findall(r"\) (add|subtract|multiply by) (\d+)\.", item.question):
            value += {"add": int(amount), "subtract": -int(amount)}.get(verb, 0)
            value *= int(amount) if verb == "multiply by" else 1
        assert int(item.gold) == value % 23

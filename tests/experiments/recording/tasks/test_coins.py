import re
from itertools import islice

from probexit.experiments.recording.tasks.coins import Coins

OTHER = {"H": "T", "T": "H"}
MOVES = {
    "flip": lambda row: "".join(OTHER[coin] for coin in row),
    "roll": lambda row: row[1:] + row[0],
    "mirror": lambda row: row[::-1],
}


def test_gold_follows_from_the_moves_that_explain_themselves() -> None:
    checked = 0
    for item in islice(Coins(variant="easy").items(), 2000):
        row, moves = item.question.split()[2].strip("."), re.findall(r"do (\w+)\.", item.question)
        if set(moves) <= set(MOVES):
            for move in moves:
                row = MOVES[move](row)
            assert item.gold == row
            checked += 1
    assert checked >= 20

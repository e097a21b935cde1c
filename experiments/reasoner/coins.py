"""A row of five coins under moves; a row is one token, so a move is recalled, not spelled out."""

import random
from collections.abc import Callable, Mapping
from itertools import product

from probexit.experiments.reasoner.family import ProblemFamily

ROWS = tuple("".join(row) for row in product("HT", repeat=5))
_OTHER_SIDE = str.maketrans("HT", "TH")


def _flip(coins: str) -> str:
    return coins.translate(_OTHER_SIDE)


COMMON: Mapping[str, Callable[[str], str]] = {
    "flip": _flip,
    "tip": lambda row: _flip(row[0]) + row[1:],
    "roll": lambda row: row[1:] + row[0],
    "swap": lambda row: row[1] + row[0] + row[2:],
    "mirror": lambda row: row[::-1],
    "drop": lambda row: row[:3] + _flip(row[3:]),
}
_RARE = "twirl braid hop skip weave spin fold knot ripple dash vault bend"
RARE = tuple(_RARE.split())


def _table(parts: tuple[str, ...]) -> dict[str, str]:
    table = {}
    for row in ROWS:
        state = row
        for part in parts:
            state = COMMON[part](state)
        table[row] = state
    return table


def _rare(rng: random.Random) -> dict[str, tuple[str, ...]]:
    """Give every rare move parts whose joint effect no other move has."""
    taken = [_table((name,)) for name in COMMON] + [_table(())]
    rare: dict[str, tuple[str, ...]] = {}
    for index, name in enumerate(RARE):
        parts = tuple(rng.sample(tuple(COMMON), 2 + index % 2))
        while _table(parts) in taken:
            parts = tuple(rng.sample(tuple(COMMON), len(parts)))
        taken.append(_table(parts))
        rare[name] = parts
    return rare


COINS = ProblemFamily(
    name="coins",
    states=ROWS,
    common={name: _table((name,)) for name in COMMON},
    rare=_rare(random.Random("rare moves")),
    opening="Lay out {}.",
    verb="do {}",
    closing="Which row do you see?",
    unknown_share=0.4,
)

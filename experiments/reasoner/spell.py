"""Animals under spells: arbitrary permutations, so that nothing can be calculated."""

import random

from probexit.experiments.reasoner.family import ProblemFamily

_ANIMALS = "fox owl bat cat dog elk hen jay koi ram yak ant bee cow eel gnu"
_COMMON = "bal kor nim tep sul mar"
_RARE = "zim lor vex dun pyr hax gob mul rin cel fid wos jat quo"
ANIMALS, COMMON, RARE = (tuple(names.split()) for names in (_ANIMALS, _COMMON, _RARE))


def _tables(rng: random.Random) -> dict[str, dict[str, str]]:
    return {
        name: dict(zip(ANIMALS, rng.sample(ANIMALS, len(ANIMALS)), strict=True)) for name in COMMON
    }


def _rare(rng: random.Random) -> dict[str, tuple[str, ...]]:
    """Give every rare spell its own sequence of two or three different frequent ones."""
    rare: dict[str, tuple[str, ...]] = {}
    for index, name in enumerate(RARE):
        parts = tuple(rng.sample(COMMON, 2 + index % 2))
        while parts in rare.values():
            parts = tuple(rng.sample(COMMON, len(parts)))
        rare[name] = parts
    return rare


SPELL = ProblemFamily(
    name="spell",
    states=ANIMALS,
    common=_tables(random.Random("common spells")),
    rare=_rare(random.Random("rare spells")),
    opening="Start with a {}.",
    verb="cast {}",
    closing="Which animal do you end with?",
    unknown_share=0.4,
)

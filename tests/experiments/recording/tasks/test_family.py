from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import pytest

from probexit.experiments.recording.tasks import family
from probexit.experiments.recording.tasks.by_name import task


def questions(spec: str, n: int, seed: int = 0) -> list[str]:
    return [item.question for item in islice(task(spec, seed=seed).items(), n)]


@pytest.mark.parametrize("name", ["arith", "spell", "coins"])
def test_problem_k_is_the_same_however_many_are_drawn(name: str) -> None:
    assert questions(name, 50)[:20] == questions(name, 20)
    assert questions(name, 20, seed=1) != questions(name, 20)
    assert questions(f"{name}:default", 20) == questions(name, 20)


@pytest.mark.parametrize("name", ["arith", "spell", "coins"])
def test_harder_problems_are_longer(name: str) -> None:
    steps = [max(q.count("(") for q in questions(f"{name}:{d}", 50)) for d in ("easy", "hard")]
    assert steps[0] < steps[1]


def test_a_problem_drawn_twice_is_given_once() -> None:
    easy = questions("arith:easy", 4000)
    assert len(set(easy)) == len(easy)


def test_the_same_problem_has_one_id_under_every_seed() -> None:
    first, second = (
        {i.question: i.id for i in islice(task("arith:easy", seed=seed).items(), 3000)}
        for seed in (0, 1)
    )
    shared = first.keys() & second.keys()
    assert len(shared) > 100
    assert all(first[question] == second[question] for question in shared)


def test_an_exhausted_family_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def few(rng: object, name: str, difficulty: str) -> object:
        return SimpleNamespace(question=f"Q{rng.randrange(3)}", gold="1")  # type: ignore[attr-defined]

    monkeypatch.setattr(family, "problem", few)
    items = task("coins:easy").items()
    assert len(list(islice(items, 3))) == 3
    with pytest.raises(ValueError, match=r"coins:easy has about 3 different problems"):
        next(items)


def test_a_file_is_refused() -> None:
    with pytest.raises(ValueError, match=r"spell makes its problems.*some\.jsonl"):
        task("spell", Path("some.jsonl"))

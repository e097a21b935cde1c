"""The small sibling: loadable by name, of the deep one's tokenizer, at a fifth of its cost."""

import random

from safetensors.torch import load_file

from probexit.experiments.methods.core.second_model import SIBLINGS
from probexit.experiments.reasoner import deep_path, small_path
from probexit.experiments.reasoner.grammar import problem
from probexit.experiments.reasoner.thoughts import Checkpoint
from probexit.experiments.reasoner.training.cost import measure, operations
from probexit.hooks.models import IN_PACKAGE, Source, load

PAIR = ("shipped-deep", "shipped-small")


def test_it_is_loaded_by_name_and_is_small() -> None:
    small = load(Source("shipped-small"))
    assert small.model.config.num_hidden_layers == 2
    assert small.closing == load(Source("shipped-deep")).closing
    assert sum(file.stat().st_size for file in small_path().iterdir()) < 1_100_000
    weights = load_file(small_path() / "model.safetensors").values()
    assert all(tensor.dtype.itemsize == 2 for tensor in weights)


def test_the_pair_shares_its_tokenizer() -> None:
    names = ("tokenizer.json", "chat_template.jinja")
    assert all((small_path() / n).read_text() == (deep_path() / n).read_text() for n in names)
    assert {SIBLINGS[name] for name in PAIR} == set(PAIR)
    assert set(SIBLINGS) == set(IN_PACKAGE) - {"shipped-hesitant"}


def test_a_forward_pass_costs_a_fifth() -> None:
    deep, small = (operations(load(Source(name)).model) for name in PAIR)
    assert 4 < deep / small < 6


def test_the_models_take_turns() -> None:
    """One round suffices to see that each is measured; how long it took is not looked at."""
    found = measure(PAIR, rounds=1)
    assert all(found[name]["milliseconds"] > 0 for name in PAIR)
    assert found["shipped-small"]["parameters"] * 5 < found["shipped-deep"]["parameters"]


def test_it_thinks_and_is_mostly_right_on_its_own() -> None:
    rng = random.Random("small")
    thoughts = Checkpoint(small_path()).think(
        [problem(rng) for _ in range(24)], temperature=0.0, cap=640
    )
    assert sum(thought.ended for thought in thoughts) >= 22
    assert sum(thought.right for thought in thoughts) >= 12
    assert all(thought.cues for thought in thoughts)


def test_the_card_tells_the_ratios_that_it_states() -> None:
    card = (small_path() / "README.md").read_text()
    deep, small = (operations(load(Source(name)).model) for name in PAIR)
    assert f"{small:,}" in card
    assert f"{deep:,}" in card
    assert f"{deep / small:.1f} times its multiplications" in card

"""Several samples in one batch: what writing them in step would give, and less of it run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.generation import Generation
from probexit.exits.engines.loop import Loop
from probexit.exits.engines.several import Group, Several
from probexit.exits.engines.token_notes import TokenNotes
from probexit.exits.samples.base import Sample, SampleRule, State
from probexit.exits.samples.deepconf_vote import DeepConfVote
from probexit.exits.samples.short_m import ShortM

NEW = 40
Prompts = list[list[int]]


def settings(batch: int) -> Decoding:
    return Decoding(NEW, temperature=1.0, batch_size=batch)


@pytest.fixture
def model(lively: Callable[..., Any]) -> Any:
    """Ends its texts now and then: a sixth of the words end them."""
    made = lively("llama")
    made.generation_config.eos_token_id = list(range(2, 128, 16))
    return made


@dataclass(frozen=True)
class Nobody(SampleRule):
    def stop(self, group: Sequence[Sample]) -> list[int]:
        return []


def whole(model: Any, words: Any, prompts: Prompts, k: int) -> list[list[Generation]]:
    """Every sample, run by itself."""
    keys = [k * g + i for g in range(len(prompts)) for i in range(k)]
    loop = Loop(model, words, None, settings(64))
    rows = loop.run([p for p in prompts for _ in range(k)], keys, notes=TokenNotes())
    return [rows[g * k : (g + 1) * k] for g in range(len(prompts))]


def in_step(rule: SampleRule, samples: list[Generation]) -> list[tuple[int, State]]:
    """The definition: one token each per turn, by hand."""
    group = [
        Sample(g.token_ids, g.logprobs, g.entropies, g.confidences, 0, State.WAITING)
        for g in samples
    ]
    for members in (range(rule.warm_up), range(rule.warm_up, rule.k)):
        for i in members:
            group[i].state = State.RUNNING
        for clock in range(1, NEW + 1):
            for sample, generation in zip(group, samples, strict=True):
                if sample.state is State.RUNNING:
                    sample.tokens = clock
                    if clock == len(generation.token_ids):
                        over = State.FINISHED if generation.finished else State.CUT
                        sample.state = over
            for i in rule.stop(group):
                group[i].state = State.STOPPED
    return [(sample.tokens, sample.state) for sample in group]


def told(groups: list[Group]) -> list[list[tuple[int, State]]]:
    return [[(s.tokens, s.state) for s in group.samples] for group in groups]


RULES = [
    ShortM(k=4, m=1),
    ShortM(k=4, m=3),
    Nobody(k=3),
    DeepConfVote(k=5, warm=2, window=3, keep=60),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{type(rule).__name__}{rule.k}")
@pytest.mark.parametrize("batch", [64, 7])
def test_equals_writing_them_in_step(
    rule: SampleRule, batch: int, model: Any, words: Any, prompts: Prompts
) -> None:
    """With a batch of 7 the samples of a problem begin at different steps."""
    samples = whole(model, words, prompts[:9], rule.k)
    groups = Several(model, words, rule, settings(batch)).run(prompts[:9])
    expected = [in_step(rule, each) for each in samples]
    assert told(groups) == expected
    for group, each in zip(groups, samples, strict=True):
        for sample, generation in zip(group.samples, each, strict=True):
            n = sample.tokens
            assert list(sample.ids[:n]) == generation.token_ids[:n]
    states = {state for group in expected for _, state in group}
    assert {State.FINISHED, State.STOPPED} <= states or type(rule) is Nobody
    assert {State.FINISHED, State.CUT} <= {s for g in told(groups) for _, s in g} or rule.k != 3


def test_what_is_stopped_is_not_computed(model: Any, words: Any, prompts: Prompts) -> None:
    """Rows of the forward passes: tokens counted, and at most a step or two per sample more."""
    for batch in (64, 8):
        all_of, some = Several(model, words, Nobody(), settings(batch)), None
        everything = sum(group.tokens for group in all_of.run(prompts))
        some = Several(model, words, ShortM(m=1), settings(batch))
        counted = sum(group.tokens for group in some.run(prompts))
        assert counted < 0.6 * everything
        assert some.rows_run < 0.8 * all_of.rows_run


def test_latency_is_the_longest_path(model: Any, words: Any, prompts: Prompts) -> None:
    rule = DeepConfVote(k=5, warm=2, window=3, keep=60)
    for group in Several(model, words, rule, settings(64)).run(prompts[:5]):
        tokens = [sample.tokens for sample in group.samples]
        assert group.latency == max(tokens[:2]) + max(tokens[2:])
        assert group.tokens == sum(tokens)


def test_keys_seed_the_samples(model: Any, words: Any, prompts: Prompts) -> None:
    engine = Several(model, words, Nobody(k=2), settings(64))
    ended: list[int] = []
    first = engine.run(prompts[:3], [[7, 8], [9, 10], [11, 12]], ended.append)
    assert sorted(ended) == [0, 1, 2]
    swapped = engine.run(prompts[:1], [[8, 7]])
    assert [s.ids for s in first[0].samples] == [s.ids for s in swapped[0].samples][::-1]


def test_greedy_samples_are_refused(model: Any, words: Any) -> None:
    with pytest.raises(ValueError, match="temperature above 0"):
        Several(model, words, Nobody(), Decoding(NEW))

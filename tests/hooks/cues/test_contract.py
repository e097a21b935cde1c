"""What every member of the family promises; members are found by walking the package."""

import dataclasses
import random
import sys

import pytest

from probexit.hooks.cues.reader import TAIL, CueReader, cue_positions
from probexit.hooks.think_tags import ThinkTags

RICH = (
    "Okay, 3 + 4 = 7. Wait, is it? Hmm, alternatively I double-check this (make sure).\n\n"
    "Let me verify it another way, to confirm. So the answer is 7!\n\nDone, I think.\n"
)


def test_streaming_agrees_with_brute_force(cues, tokenizer, random_ids, brute_force):
    found = 0
    for seed in range(6):
        ids, inside = random_ids(tokenizer, random.Random(seed)), seed % 3 > 0
        positions, thinking = brute_force(tokenizer, cues, ThinkTags(), ids, inside)
        reader = CueReader(tokenizer, cues, ThinkTags(), inside)
        assert [i for i, token in enumerate(ids) if reader.feed(token)] == positions
        assert (reader.thinking, reader.cues_seen) == (thinking, len(positions))
        found += len(positions)
    assert found or cues.counts(32)  # every 32nd token is rarer than the tags


def test_finds_something_in_a_rich_thinking(cues, tokenizer):
    ids = tokenizer.encode(RICH * 2, add_special_tokens=False)
    assert cue_positions(tokenizer, cues, ThinkTags(), ids)


def test_is_silent_outside_the_thinking_and_in_tool_calls(cues, byte_tokenizer):
    def found(text, inside):
        ids = byte_tokenizer.encode(text, add_special_tokens=False)
        return cue_positions(byte_tokenizer, cues, ThinkTags(), ids, inside)

    assert not found(RICH, inside=False)
    assert not found("</think>" + RICH, inside=True)
    assert not found("</think><think>" + RICH, inside=True)
    assert not found("<tool_call>" + RICH, inside=True)
    assert found("<think>" + RICH * 2, inside=False)
    assert found("<tool_call>x</tool_call>" + RICH * 2, inside=True)


def test_a_tail_of_the_text_is_enough(cues, random_thinking):
    for seed in range(20):
        text = random_thinking(random.Random(seed), 400, tags=False)
        for cut in range(len(text) - 60, len(text)):
            assert cues.ends(text[:cut]) == cues.ends(text[:cut][-TAIL:])


def test_fires_is_true_at_the_token_with_the_character(cues, random_thinking):
    text = random_thinking(random.Random(7), 100, tags=False)
    ends = [cues.ends(text[:cut]) for cut in range(len(text) + 1)]
    for cut in range(0, len(text), 3):
        for new in range(min(cut, 5) + 1):
            assert cues.fires(text[:cut], new, 1) == (any(ends[cut - new + 1 : cut + 1]))


def test_is_default_constructible_frozen_and_hashable(cues):
    assert type(cues)() == cues
    assert hash(type(cues)()) == hash(cues)
    field = dataclasses.fields(cues)[0].name if dataclasses.fields(cues) else "anything"
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(cues, field, None)


def test_no_text_is_no_cue(cues):
    assert not cues.ends("")
    assert not cues.fires("", 0, 1)


def test_one_file_holds_one_member_and_says_what_it_is_for(cues):
    module = sys.modules[type(cues).__module__]
    own = [k for k in vars(module).values() if getattr(k, "__module__", "") == module.__name__]
    assert [k for k in own if isinstance(k, type)] == [type(cues)]
    assert module.__doc__

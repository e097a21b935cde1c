import random

import torch

from probexit.hooks.cues.every_k import EveryK
from probexit.hooks.cues.paragraph import Paragraph
from probexit.hooks.cues.reader import TAIL, CueReader, cue_positions
from probexit.hooks.cues.reflection import Reflection
from probexit.hooks.cues.union import Union
from probexit.hooks.think_tags import ThinkTags

TAGS = ThinkTags()


def tokens(tokenizer, *parts):
    return [i for part in parts for i in tokenizer.encode(part, add_special_tokens=False)]


def inner(tokenizer, text):
    """The tokens of a text that follows another without a space."""
    return tokens(tokenizer, "(" + text)[len(tokens(tokenizer, "(")) :]


def cue_texts(tokenizer, cues, ids, **options):
    """The thinking up to each cue, decoded."""
    found = cue_positions(tokenizer, cues, TAGS, ids, **options)
    return [tokenizer.decode(ids[: i + 1]) for i in found]


def test_by_hand(byte_tokenizer):
    ids = tokens(byte_tokenizer, "Hmm", "m. ", "Wait", "ing, ", "wait", ",", " so\n", "\n", "\n")
    assert cue_texts(byte_tokenizer, Union(), ids) == [
        "Hmmm. Waiting, wait,",
        "Hmmm. Waiting, wait, so\n\n",
    ]


def test_a_word_at_the_start_of_the_thinking_and_after_the_tag(tokenizer):
    assert len(cue_texts(tokenizer, Reflection(), tokens(tokenizer, "Wait", ","))) == 1
    ids = tokens(tokenizer, "await <think>", "wait", ",")
    assert len(cue_positions(tokenizer, Reflection(), TAGS, ids, inside=False)) == 1


def test_a_leading_space_is_not_lost(metaspace_tokenizer):
    token = metaspace_tokenizer.convert_tokens_to_ids("▁wait")
    assert metaspace_tokenizer.decode([token]) == "wait"  # the trap: "so" + "wait" = "sowait"
    ids = tokens(metaspace_tokenizer, "so")
    ids += [token, metaspace_tokenizer.convert_tokens_to_ids("▁")]
    assert cue_positions(metaspace_tokenizer, Reflection(), TAGS, ids) == [len(ids) - 1]


def test_a_character_in_several_tokens_belongs_to_the_last(tokenizer):
    word, face = tokens(tokenizer, "wait"), inner(tokenizer, "😀")
    assert len(face) > 1
    ids = word + face
    assert cue_positions(tokenizer, Reflection(), TAGS, ids) == [len(ids) - 1]


def test_a_tag_in_several_tokens_is_no_thinking(metaspace_tokenizer):
    body, tag = (
        tokens(metaspace_tokenizer, "so it is"),
        inner(metaspace_tokenizer, "</think>"),
    )
    assert len(tag) > 1
    reader = CueReader(metaspace_tokenizer, EveryK(3), TAGS)
    for token in body + tag[:-1]:
        reader.feed(token)
    assert reader.thinking == len(body) + len(tag) - 1  # it cannot know yet
    assert not reader.feed(tag[-1])
    assert (reader.thinking, reader.inside) == (len(body), False)


def test_what_a_token_brings_beside_a_tag(byte_tokenizer):
    byte_tokenizer = type(byte_tokenizer)(tokenizer_object=byte_tokenizer.backend_tokenizer)
    texts = ["<think>\n\n", "wait </think>", "\n\n<tool_call>", "</think><think><tool_call>"]
    byte_tokenizer.add_tokens(texts)
    opening, closing, calling, several = byte_tokenizer.convert_tokens_to_ids(texts)
    reader = CueReader(byte_tokenizer, Union(), TAGS, inside=False)
    assert reader.feed(opening)
    assert reader.thinking == 1
    assert not reader.feed(closing)  # the thinking is over: too late to leave
    assert reader.thinking == 2
    reader = CueReader(byte_tokenizer, Union(), TAGS)
    assert not reader.feed(calling)  # in the tool call already
    assert reader.muted
    for inside in (True, False):
        reader = CueReader(byte_tokenizer, Union(), TAGS, inside)
        assert not reader.feed(several)
        assert reader.inside is not inside  # the first tag that counts, and then the next


def test_the_tag_that_opens_the_thinking_is_no_cue(byte_tokenizer):
    reader = CueReader(byte_tokenizer, EveryK(1), TAGS, inside=False)
    fired = [reader.feed(i) for i in tokens(byte_tokenizer, "x", "<think>", "a", "b")]
    assert fired == [False, False, True, True]
    assert reader.thinking == 2


def test_the_thinking_never_begins_again(byte_tokenizer):
    reader = CueReader(byte_tokenizer, EveryK(1), TAGS)
    for token in tokens(byte_tokenizer, "a", "</think>", "b", "<think>", "c"):
        reader.feed(token)
    assert (reader.thinking, reader.cues_seen, reader.inside) == (1, 1, False)


def test_tool_calls_count_as_thinking_but_hold_no_cue(tokenizer):
    call = tokens(tokenizer, '<tool_call>{"q": "wait, "}\n\n</tool_call>')
    reader = CueReader(tokenizer, Union(), TAGS)
    muted = []
    for token in call:
        assert not reader.feed(token)
        muted.append(reader.muted)
    assert any(muted)
    assert not muted[-1]
    assert reader.thinking == len(call)
    assert [reader.feed(i) for i in tokens(tokenizer, "x\n\n")][-1]


def test_other_tags(byte_tokenizer):
    tags = ThinkTags("[THINK]", "[/THINK]", ("[CALL]", "[/CALL]"))
    ids = tokens(byte_tokenizer, "a\n\n[THINK]b\n\n[CALL]c\n\n[/CALL]d</think>\n\n[/THINK]e\n\n")
    found = cue_positions(byte_tokenizer, Paragraph(), tags, ids, inside=False)
    texts = [byte_tokenizer.decode(ids[: i + 1])[-4:] for i in found]
    assert len(texts) == 2
    assert texts[0].endswith("b\n\n")


def test_special_tokens_are_no_text(byte_tokenizer):
    ids = [*tokens(byte_tokenizer, "Wait"), byte_tokenizer.eos_token_id]
    assert not cue_positions(byte_tokenizer, Reflection(), TAGS, ids)
    ids += tokens(byte_tokenizer, "ing")
    assert not cue_positions(byte_tokenizer, Reflection(), TAGS, ids)


def test_a_tag_may_be_a_special_token(byte_tokenizer):
    ids = [
        *tokens(byte_tokenizer, "a\n\n"),
        byte_tokenizer.eos_token_id,
        *tokens(byte_tokenizer, "b\n\n"),
    ]
    tags = ThinkTags(close=byte_tokenizer.eos_token)
    assert len(cue_positions(byte_tokenizer, Paragraph(), tags, ids)) == 1


def test_readers_do_not_share_what_they_read(byte_tokenizer):
    one, two = (CueReader(byte_tokenizer, Reflection(), TAGS) for _ in range(2))
    for token in tokens(byte_tokenizer, "so wait"):
        one.feed(token)
    comma = tokens(byte_tokenizer, ",")[0]
    assert not two.feed(comma)
    assert one.feed(comma)


def test_takes_tensors_of_ids(byte_tokenizer):
    ids = tokens(byte_tokenizer, "so wait, it is")
    expected = cue_positions(byte_tokenizer, Union(), TAGS, ids)
    assert cue_positions(byte_tokenizer, Union(), TAGS, torch.tensor(ids)) == expected != []


class Counting:
    """A tokenizer that counts how often it decodes, and how much."""

    def __init__(self, tokenizer):
        self.tokenizer, self.calls, self.longest = tokenizer, 0, 0

    def __getattr__(self, name):
        return getattr(self.tokenizer, name)

    def decode(self, ids, **options):
        self.calls += 1
        self.longest = max(self.longest, len(ids))
        return self.tokenizer.decode(ids, **options)


def test_cost_per_token_is_constant(tokenizer, random_ids):
    ids = [i for seed in range(100) for i in random_ids(tokenizer, random.Random(seed))]
    ids = [i for i in ids if ">" not in tokenizer.decode([i])]  # so that no tag is complete
    counting = Counting(tokenizer)
    reader = CueReader(counting, Union(), TAGS)
    for token in ids:
        reader.feed(token)
        assert len(reader._tail) <= 2 * TAIL
        assert len(reader._starts) <= len(TAGS.close)  # ascii
    assert reader.thinking == len(ids) > 5000
    assert counting.longest <= 16
    assert counting.calls < len(ids)  # plain tokens are decoded once, not each time
    again, counting.calls = CueReader(counting, Union(), TAGS), 0
    for token in tokens(tokenizer, "wait, hmm"):
        again.feed(token)
    assert counting.calls <= 4  # to know the special tokens; the rest the first reader knows

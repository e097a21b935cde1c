import random

import pytest

from probexit.hooks.cues.stream import PATIENCE, TextStream


def push_all(stream, ids):
    return [stream.push(i) for i in ids]


def test_the_pieces_make_up_the_text(tokenizer, random_thinking):
    for seed in range(20):
        text = "a" + random_thinking(random.Random(seed)) + "."
        ids = tokenizer.encode(text, add_special_tokens=False)
        pieces = "".join(push_all(TextStream(tokenizer), ids))
        assert pieces.removeprefix(" ") == tokenizer.decode(ids, clean_up_tokenization_spaces=False)


def test_random_ids_too(tokenizer):
    rng = random.Random(0)
    anchor = tokenizer.encode("a", add_special_tokens=False)
    plain = [i for i in range(len(tokenizer)) if i not in tokenizer.all_special_ids]
    plain = [i for i in plain if not tokenizer.convert_ids_to_tokens(i).startswith("<0x")]
    ids = [rng.choice(plain) for _ in range(2000)] + anchor
    whole = tokenizer.decode(anchor + ids, clean_up_tokenization_spaces=False)
    start = len(tokenizer.decode(anchor))
    assert "".join(push_all(TextStream(tokenizer), ids)) == whole[start:]


@pytest.mark.parametrize("text", ["😀", "龘", "👩‍💻"])
def test_an_unfinished_character_brings_nothing(tokenizer, text):
    ids = tokenizer.encode("x" + text, add_special_tokens=False)
    pieces = push_all(TextStream(tokenizer), ids)
    assert "".join(pieces).strip() == "x" + text
    assert "\ufffd" not in "".join(pieces)
    assert pieces.count("") > 0


def test_bytes_that_never_make_a_character_come_out(byte_tokenizer):
    stray = byte_tokenizer.encode("😀", add_special_tokens=False)[0]
    stream = TextStream(byte_tokenizer)
    pieces = push_all(stream, [stray] * PATIENCE)
    assert set(pieces[:-1]) == {""}
    assert set(pieces[-1]) == {"\ufffd"}
    stream = TextStream(byte_tokenizer)
    comma = byte_tokenizer.encode(",", add_special_tokens=False)
    assert push_all(stream, [stray, *comma])[-1].endswith("\ufffd,")


def test_special_tokens_are_silent_unless_part_of_a_tag(byte_tokenizer):
    end = byte_tokenizer.eos_token_id
    assert TextStream(byte_tokenizer).push(end) == ""
    assert TextStream(byte_tokenizer, ("x<|end|>",)).push(end) == "<|end|>"

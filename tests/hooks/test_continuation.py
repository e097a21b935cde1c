from probexit.hooks.continuation import continuation_ids


def test_a_tag_in_the_middle_of_a_text_has_no_space_in_front(metaspace_tokenizer):
    tokenizer = metaspace_tokenizer
    alone = tokenizer.encode("</think>", add_special_tokens=False)
    assert tokenizer.convert_ids_to_tokens(alone)[0].startswith("▁")  # what must not be forced
    ids = continuation_ids(tokenizer, "</think>\n\nThe answer is")
    text = tokenizer.encode("so.", add_special_tokens=False)
    assert tokenizer.decode(text + ids) == "so.</think>\n\nThe answer is"
    assert not tokenizer.convert_ids_to_tokens(ids)[0].startswith("▁")


def test_a_tag_that_is_a_token_stays_one(byte_tokenizer):
    ids = continuation_ids(byte_tokenizer, "</think>\n\nThe answer is")
    assert ids == byte_tokenizer.encode("</think>\n\nThe answer is", add_special_tokens=False)


def test_a_space_that_is_meant_is_kept(metaspace_tokenizer):
    ids = continuation_ids(metaspace_tokenizer, " so")
    text = metaspace_tokenizer.encode("And", add_special_tokens=False)
    assert metaspace_tokenizer.decode(text + ids) == "And so"

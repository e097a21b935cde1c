"""Which tokens NoWait lowers: whole words only, in tokenizers of several kinds."""

import pytest
import torch

from probexit.exits.interventions.no_wait import WORDS, Endings, NoWait
from probexit.hooks.think_tags import ThinkTags


class Pieces:
    """A tokenizer whose tokens are the given texts."""

    all_special_ids = (0,)

    def __init__(self, *texts):
        self.texts = ["<end>", *texts]

    def __len__(self):
        return len(self.texts)

    def decode(self, ids, **_settings):
        return "".join(self.texts[i] for i in ids)

    def batch_decode(self, rows):
        return [self.decode(row) for row in rows]

    def ids(self, *texts):
        return [self.texts.index(text) for text in texts]


def lowered(tokenizer, *written):
    """The texts of the tokens that are lowered behind the given tokens."""
    found = Endings(tokenizer, WORDS).after(tokenizer.ids(*written))
    return [tokenizer.texts[i] for i in found]


def test_words_are_whole():
    """The substring match of the public code takes all of these but the last two."""
    made = Pieces(
        " many", " Utah", " know", " button", " waiter", " nowhere", " Wait", " any,", "."
    )
    assert lowered(made, ".") == [" Wait", " any,"]


def test_a_token_without_a_space_counts_with_what_stands_before_it():
    made = Pieces("k", "m", "Ut", "now", "any", "ah", " ", "\n\n", ".", "no")
    assert lowered(made, "k") == lowered(made, "m") == lowered(made, "Ut") == []
    assert lowered(made, "no") == []  # "nonow" and "noany" are no words
    assert lowered(made, " ") == lowered(made, "\n\n") == lowered(made, ".") == ["now", "any", "ah"]


def test_a_word_of_several_tokens_is_caught_at_its_last():
    made = Pieces(" ", "W", "ai", "t", "ting", "Alter", "nat", "ively", "ive", "ing", "a")
    assert lowered(made, " ", "W", "ai") == ["t"]  # and "waiting" may go on
    assert lowered(made, " ", "Alter", "nat") == ["ively", "ive"]
    assert lowered(made, "a", "W", "ai") == []
    assert lowered(made, " ") == lowered(made, " ", "W") == []


def test_a_hyphen_between_letters_joins_a_word():
    made = Pieces("double", "cross", "-check", "-", "check", " - check", " ", "d")
    assert lowered(made, " ", "double") == ["-check", " - check"]
    assert lowered(made, " ", "double", "-") == ["check", " - check"]
    assert lowered(made, " ", "cross", "-") == [" - check"]  # "cross-check" is another word
    assert lowered(made, " ", "-") == ["check", " - check"]  # a dash is no part of a word


def test_case_and_signs_around_a_word_do_not_matter():
    made = Pieces(" WAIT", "(Hmm", '"but"', " Oh!", " however...", "Maybe,", " _", "1", " 2nd")
    assert lowered(made, "1") == [" WAIT", "(Hmm", '"but"', " Oh!", " however..."]
    assert lowered(made, " _") == [" WAIT", "(Hmm", '"but"', " Oh!", " however...", "Maybe,"]


@pytest.mark.parametrize("kind", ["byte_tokenizer", "metaspace_tokenizer", "words"])
def test_no_listed_word_can_be_written_and_others_can(kind, request):
    """Each word at its own tokens: some step towards it is closed; none towards its neighbours."""
    tokenizer = request.getfixturevalue(kind)
    endings, start = Endings(tokenizer, WORDS), tokenizer.encode("So 1.", add_special_tokens=False)

    def closed(word):
        ids = tokenizer.encode(f"So 1. {word}", add_special_tokens=False)
        return any(ids[i] in endings.after(ids[:i]).tolist() for i in range(len(start), len(ids)))

    known = [w for w in WORDS if tokenizer.decode(tokenizer.encode(w)).strip() == w]
    assert all(closed(word) and closed(word.capitalize()) for word in known if kind != "words")
    assert closed("wait")
    near = ("await", "know", "many", "Utah", "brother", "recheck")
    assert not any(closed(word) for word in near)


def test_subtracts_the_strength(words):
    rule = NoWait(strength=2.5, words=("wait",)).bind(words, ThinkTags())
    logits = torch.randn(1, 128)
    found = (rule([[20, 3]], logits) - logits)[0]
    waits = [i for i in range(128) if words.decode([i]).strip().lower() == "wait"]
    assert len(waits) == 3
    assert found[waits].tolist() == pytest.approx([-2.5] * 3)
    assert found.count_nonzero() == 3


def test_words_must_be_words():
    with pytest.raises(ValueError, match="single words"):
        NoWait(words=("wait", "hold on"))
    with pytest.raises(ValueError, match="single words"):
        NoWait(words=())

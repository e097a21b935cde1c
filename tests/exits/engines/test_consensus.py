"""What samples draft from each other, and how much of it stays."""

from probexit.exits.engines.consensus import SuffixIndex, accepted, consensus


def test_the_published_example() -> None:
    texts = {0: "y = 7 x =", 1: "a x = 4 so", 2: "b x = 4 so", 3: "c x = 5"}
    words = {word: i for i, word in enumerate(sorted(" ".join(texts.values()).split()))}
    index = SuffixIndex(2)
    for text, said in texts.items():
        index.extend(text, [words[word] for word in said.split()])
    assert consensus(index.continuations(0, 8)) == [words["4"], words["so"]]
    assert consensus(index.continuations(0, 1)) == [words["4"]]
    assert index.continuations(3, 8) == []  # nothing stands behind "= 5" elsewhere
    assert consensus([]) == []


def test_drafts_stay_as_far_as_they_would_have_been_drawn() -> None:
    assert accepted([5, 6, 7], [5, 6, 9, 1], {2}) == (2, [5, 6, 9])
    assert accepted([5, 6], [5, 6, 9], {2}) == (2, [5, 6, 9])
    assert accepted([5, 2, 7], [5, 2, 7, 1], {2}) == (1, [5, 2])
    assert accepted([], [4], {2}) == (0, [4])

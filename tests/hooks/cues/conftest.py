"""Random thinking, the members of the family, and cues found by brute force."""

import importlib
import inspect
import math
import pkgutil
import random
import re

import pytest

from probexit.hooks import cues as family
from probexit.hooks.cues.base import CueSet
from probexit.hooks.think_tags import ThinkTags

PIECES = (
    "wait", "Wait", "WAIT", "ing", "a", "ed", "Hmm", "hmm", "m", "alternatively", "Alternatively",
    "make sure", "double-check", "verify", "know", " ", " ", " ", ",", ".", "!", "? ", ".)", "3.14",
    "\n", "\n\n", "\n\n\n", "_", "-", "'", "é", "ü", "İ", "你好", "。", "等一下", "😀", "👩‍💻", "▁",
    "\ufffd", " 17", "(2)", "<", "</", "think", ">", "tool",
)  # fmt: skip
TAG_PIECES = ("<think>", "</think>", "<tool_call>", "</tool_call>")


def members() -> list[type[CueSet]]:
    """Every concrete cue set of the package, found by walking it."""
    found = []
    for info in pkgutil.iter_modules(family.__path__):
        module = importlib.import_module(f"{family.__name__}.{info.name}")
        found += [
            kind
            for _, kind in inspect.getmembers(module, inspect.isclass)
            if issubclass(kind, CueSet)
            and not inspect.isabstract(kind)
            and kind.__module__ == module.__name__
        ]
    return found


@pytest.fixture(params=members(), ids=lambda kind: kind.__name__)
def cues(request):
    return request.param()


@pytest.fixture(params=["byte", "metaspace"])
def tokenizer(request):
    return request.getfixturevalue(f"{request.param}_tokenizer")


def random_text(rng: random.Random, length: int = 60, tags: bool = True) -> str:
    pieces = PIECES + TAG_PIECES * 2 if tags else PIECES
    return "".join(rng.choice(pieces) for _ in range(length))


def random_token_ids(tokenizer, rng: random.Random) -> list[int]:
    """A random text, cut at random places before it is encoded: "wait" + "ing"."""
    text, ids = random_text(rng), []
    while text:
        size = rng.randint(1, 12)
        ids += tokenizer.encode(text[:size], add_special_tokens=False)
        text = text[size:]
    return ids


def prefixes(tokenizer, ids) -> list[str]:
    """``[t + 1]`` the whole text after each token, decoded from its start.

    After "a", as the decoder drops a text's first space; unfinished characters do not count yet.
    """
    anchor = tokenizer.encode("a", add_special_tokens=False)
    start, texts = len(tokenizer.decode(anchor)), [""]
    spoken = [i if i not in tokenizer.all_special_ids else None for i in ids]
    for t in range(1, len(ids) + 1):
        head = [i for i in spoken[:t] if i is not None]
        text = tokenizer.decode(anchor + head, clean_up_tokenization_spaces=False)[start:]
        texts.append(texts[-1] if text.endswith("\ufffd") else text)
    return texts


def parse(text: str, tags: ThinkTags, inside: bool) -> tuple[str, int, float, float]:
    """The state at the end of a text; where its newest segment and the thinking begin and end."""
    state, at, opened = ("in", 0, 0.0) if inside else ("before", 0, math.inf)
    moves = {
        "before": {tags.open: "in"},
        "in": {tags.close: "after", tags.mute[0]: "call"},
        "call": {tags.close: "after", tags.mute[1]: "in"},
    }
    while state != "after":
        match = re.compile("|".join(map(re.escape, moves[state]))).search(text, at)
        if match is None:
            return state, at, opened, math.inf
        opened = match.end() if state == "before" else opened
        state, at = moves[state][match.group()], match.end()
    return state, at, opened, match.start()


def cues_by_brute_force(tokenizer, cues, tags, ids, inside=True) -> tuple[list[int], int]:
    """Cue positions and thinking tokens, decided afresh on the full text of every prefix."""
    texts = prefixes(tokenizer, ids)
    parsed = [parse(text, tags, inside) for text in texts]
    spelt = (tags.open, tags.close, tags.mute[0])

    def thinking(t: int) -> list[int]:
        _, _, opened, closed = parsed[t]
        spans = [(len(texts[u]), len(texts[u + 1])) for u in range(t)]
        return [
            u
            for u, (begin, end) in enumerate(spans)
            if (parsed[u][0] in ("in", "call") and begin < closed)
            or begin < opened < min(end, closed)
        ]

    def is_cue(t: int) -> bool:
        state, start, _, _ = parsed[t + 1]
        if state != "in" or t not in thinking(t + 1):
            return False
        text, old = texts[t + 1][start:], max(0, len(texts[t]) - start)
        if any(text.endswith(tag[:k]) for tag in spelt for k in range(1, len(tag))):
            return False  # a tag may be half written
        cuts = range(old + 1, len(text) + 1)
        return cues.counts(len(thinking(t + 1))) or any(cues.ends(text[:cut]) for cut in cuts)

    return [t for t in range(len(ids)) if is_cue(t)], len(thinking(len(ids)))


@pytest.fixture
def random_ids():
    return random_token_ids


@pytest.fixture
def brute_force():
    return cues_by_brute_force


@pytest.fixture
def random_thinking():
    return random_text

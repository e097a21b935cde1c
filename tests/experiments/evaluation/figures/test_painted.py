from dataclasses import replace

import pytest
import torch

from probexit.experiments.evaluation.figures.painted import paint, pieces

BAD = '<script>alert("1")</script>'


def letters(ids):
    return "".join("abcdefghij"[i] for i in ids)


@pytest.fixture
def trace(hand_made):
    made = hand_made("-+", True)
    return replace(made, token_ids=torch.arange(32) % 10)


def test_the_pieces_are_the_thinking(trace):
    found = pieces(trace, torch.tensor([0.25, 1.0]), {"ours": 1, "other": -1, "oracle": 1}, letters)
    assert [piece.text for piece in found] == ["abcdefghij", "abcdefghij", "abcde"]
    assert [piece.score for piece in found] == [0.25, 1.0, None]
    assert [piece.answer for piece in found] == [("no 0", False), ("gold", True), None]
    assert [piece.left for piece in found] == [(), ("ours", "oracle"), ()]


def test_thinking_that_begins_late(trace):
    late = replace(trace, begins=2, thinking=23)
    found = pieces(late, torch.zeros(2), {}, letters)
    assert "".join(piece.text for piece in found) == letters(trace.token_ids[2:25].tolist())
    assert found[0].text == "cdefghij"


def test_a_character_of_several_tokens_is_not_torn(hand_made):
    made = hand_made("+", True)
    ids = list("é".encode() * 8)[:15]
    made = replace(made, token_ids=torch.tensor([*ids, *[0] * 7]), thinking=15)

    def decode(tokens):
        return bytes(tokens).decode("utf-8", errors="ignore")

    found = pieces(made, torch.zeros(1), {}, decode)
    assert "".join(piece.text for piece in found) == "é" * 7


def test_darker_where_the_score_is_higher(trace):
    html = paint(trace, pieces(trace, torch.tensor([0.2, 0.8]), {}, letters))
    assert "rgba(0, 114, 178, 0.09)" in html
    assert "rgba(0, 114, 178, 0.36)" in html


def test_a_score_that_is_no_probability_is_clipped(trace):
    found = pieces(trace, torch.tensor([-3.0, 7.0]), {}, letters)
    assert [piece.shade for piece in found] == [0, 100, 0]


def test_all_that_others_wrote_is_escaped(trace):
    cues = replace(trace.cues, answers=(BAD, BAD))
    bad = replace(trace, cues=cues, question=BAD, answer=BAD, gold=BAD)
    html = paint(bad, pieces(bad, torch.zeros(2), {BAD: 0}, lambda ids: BAD * len(ids)))
    assert "<script" not in html
    assert html.count("&lt;script&gt;") >= 5
    assert 'alert("1")' not in html


def test_a_trace_without_cues(hand_made):
    html = paint(hand_made("", True), pieces(hand_made("", True), torch.empty(0), {}, letters))
    assert 'class="cue"' not in html

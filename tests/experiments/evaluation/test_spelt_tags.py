"""Replay equals live where the closing tag takes several tokens and every token is a cue."""

from dataclasses import replace
from itertools import islice

import pytest

from probexit.exits.controller import ExitController
from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.generation import Generation
from probexit.exits.engines.loop import generate
from probexit.exits.policies.base import ExitPolicy
from probexit.exits.policies.never import Never
from probexit.exits.policies.threshold import Threshold
from probexit.exits.signals.position import Position
from probexit.experiments.recording.tasks.by_name import task
from probexit.experiments.recording.thinking import thinking_span
from probexit.hooks.cues.every_k import EveryK
from probexit.hooks.cues.reader import CueReader
from probexit.hooks.models import Reasoner
from probexit.hooks.think_tags import ThinkTags

LIMIT = 320  # tokens
# The shipped reasoner writes this in four tokens, and "</think>" alone is the first of them.
SPELT = ThinkTags(close="</think>\n\nThe answer")


@pytest.fixture
def spelling(shipped: Reasoner) -> Reasoner:
    spelling = replace(shipped, tags=SPELT, closing=" is", answer_tokens=4)
    assert len(spelling.closing_ids()) > 3
    return spelling


def controller(reasoner: Reasoner, policy: ExitPolicy) -> ExitController:
    return ExitController(EveryK(1), Position(), policy, SPELT, reasoner.closing, answer_tokens=4)


def write(
    reasoner: Reasoner, n: int, policy: ExitPolicy
) -> tuple[list[list[int]], list[Generation]]:
    prompts = [reasoner.prompt(i.question) for i in islice(task("arith:easy").items(), n)]
    rule = controller(reasoner, policy)
    decoding = Decoding(LIMIT, 0.0, batch_size=64)
    return prompts, generate(reasoner.model, reasoner.tokenizer, prompts, rule, decoding)


def check(reasoner: Reasoner, n: int) -> None:
    prompts, plain = write(reasoner, n, Never())
    for prompt, row in zip(prompts, plain, strict=True):
        _, thinking, cues = thinking_span(reasoner, EveryK(1), prompt, row.token_ids)
        # the token at the limit is never read: a recording leaves out cues with no room behind them
        assert len(row.scores) == len([at for at in cues if at + 1 < LIMIT])
        assert not row.finished or len(cues) == thinking  # all of the thinking, nothing of the tag
    _, left = write(reasoner, n, Threshold(30))
    for alone, row in zip(plain, left, strict=True):
        text = reasoner.tokenizer.decode(row.token_ids)
        assert text.count("</think>") == 1 or not row.finished
        same = 30 if row.exit and row.exit.cue is not None else len(alone.token_ids)
        assert row.token_ids[:same] == alone.token_ids[:same]
    assert any(row.exit for row in left)


def test_recorded_cues_are_live_cues(spelling: Reasoner) -> None:
    check(spelling, 12)


@pytest.mark.slow
def test_recorded_cues_are_live_cues_over_300_problems(spelling: Reasoner) -> None:
    check(spelling, 300)


def test_the_check_sees_a_cue_inside_the_tag(
    spelling: Reasoner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CueReader, "in_tag", False)
    with pytest.raises(AssertionError):
        check(spelling, 4)

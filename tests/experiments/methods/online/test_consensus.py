"""Samples that draft each other: the texts of plain decoding, in fewer passes; and their row."""

from typing import Any

import pytest

from probexit.exits.engines import consensus as module
from probexit.exits.engines.consensus import ConsensusDrafts, consensus
from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.loop import Loop
from probexit.exits.samples.short_m import ShortM
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.online.live_evaluator import LiveEvaluator
from probexit.experiments.methods.online.samples import Samples
from probexit.experiments.methods.samples.consensus_drafts import ConsensusDraftsPreset
from probexit.experiments.recording.tasks.by_name import task

WARM = Decoding(50, temperature=0.7)


@pytest.fixture(scope="module")
def bench(shipped):
    return LiveEvaluator(shipped, task("arith"), Decoding(80, temperature=1.0), quiet=True)


def test_drafts_change_no_vote(bench: LiveEvaluator, unwritten, small, hand_made) -> None:
    traces = unwritten(bench, 1)
    context: Context = small([hand_made("-+", True)], [(0.1, 0.2)])
    rule = ConsensusDraftsPreset(k=2)
    (drafting,) = rule.recipes(context, bench).values()
    (plainly,) = rule.controls(context, bench).values()
    (found,), (plain,) = (bench.measure(recipe, traces) for recipe in (drafting, plainly))
    (samples,) = bench.measure(Samples(ShortM(k=2, m=2)), traces)
    for one in (found, plain):
        assert one.thinking + one.answer_tokens == samples.thinking + samples.answer_tokens
        assert (one.answer, one.correct) == (plain.answer, plain.correct)
    assert plain.probing == 0 < found.probing


@pytest.fixture(scope="module")
def asked(shipped: Any) -> list[int]:
    return shipped.prompt("What is 17 + 25 - 8?")


def test_texts_are_those_of_plain_decoding(shipped: Any, asked: list[int]) -> None:
    keys = [3, 1, 4, 5]
    plain = Loop(shipped.model, shipped.tokenizer, None, WARM).run([asked] * 4, keys)
    samples = ConsensusDrafts(2).write(shipped.model, asked, set(shipped.eos), WARM, keys)
    assert [sample.ids for sample in samples] == [text.token_ids for text in plain]
    assert sum(sample.kept for sample in samples) > 10
    for sample in samples:
        assert sample.passes == len(sample.ids) - sample.kept
    one, *_ = ConsensusDrafts(2).write(shipped.model, asked, set(shipped.eos), WARM, keys[:1])
    assert (one.ids, one.drafted) == (plain[0].token_ids, 0)  # alone there is no other


def test_what_others_wrote_is_what_makes_drafts_stay(
    shipped: Any, asked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def kept() -> float:
        engine = ConsensusDrafts(2)
        samples = engine.write(shipped.model, asked, set(shipped.eos), WARM, [3, 1, 4, 5])
        return sum(s.kept for s in samples) / max(1, sum(s.drafted for s in samples))

    share = kept()
    monkeypatch.setattr(module, "consensus", lambda found: consensus(found)[::-1])
    assert kept() < share / 2

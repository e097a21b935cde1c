"""Two models, one text: each alone writes what it writes by itself, whatever is read between."""

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch

from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.loop import generate
from probexit.exits.engines.track import Track
from probexit.exits.engines.two_models import handover
from probexit.exits.engines.two_models.handover import Handover
from probexit.exits.engines.two_models.judge import Draft, Judge, Likelihood, StepScore
from probexit.exits.engines.two_models.pair import ModelPair, TwoModelText, weight
from probexit.exits.engines.two_models.spec_reason import SpecReason
from probexit.hooks.cues.every_k import EveryK

NEW = 30
GREEDY = Decoding(NEW)
HOT = Decoding(NEW, temperature=1.0)
Prompts = list[list[int]]


@pytest.fixture(params=["llama", "gemma3", "gpt2"])
def pair(request: pytest.FixtureRequest, lively: Callable[..., Any], words: Any) -> ModelPair:
    """The same architecture with other weights: they disagree nearly everywhere."""
    small, large = lively(request.param), lively(request.param)
    with torch.no_grad():
        for parameter in large.parameters():
            if parameter.ndim > 1:
                parameter.copy_(
                    parameter.flatten()[torch.randperm(parameter.numel())].view_as(parameter)
                )
    return ModelPair(small, large, words)


def alone(model: Any, pair: ModelPair, prompt: list[int]) -> list[int]:
    (written,) = generate(model, pair.tokenizer, [prompt], None, GREEDY)
    return written.token_ids


@pytest.mark.parametrize(
    ("small", "large"),
    [
        (Handover(math.inf), Handover(-1.0)),
        (SpecReason(-math.inf, steps=EveryK(4)), SpecReason(math.inf, steps=EveryK(4))),
    ],
)
def test_one_model_in_charge_writes_its_own_text(
    small: Any, large: Any, pair: ModelPair, prompts: Prompts
) -> None:
    for prompt in prompts[:4]:
        by_small, by_large = small.write(pair, prompt, GREEDY), large.write(pair, prompt, GREEDY)
        assert by_small.token_ids == alone(pair.small, pair, prompt)
        assert by_large.token_ids == alone(pair.large, pair, prompt)
        assert not any(by_small.by_large)
        assert all(by_large.by_large)
        assert by_small.token_ids != by_large.token_ids


def replay(pair: ModelPair, prompt: list[int], text: TwoModelText) -> list[int]:
    """Let each token be written again by its writer, from an empty cache."""
    found = []
    for i, large in enumerate(text.by_large):
        ids = torch.tensor([prompt + text.token_ids[:i]])
        with torch.inference_mode():
            logits = (pair.large if large else pair.small)(input_ids=ids).logits
        found.append(int(logits[0, -1].argmax()))
    return found


@pytest.fixture
def waves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Entropies that rise and fall, so that every pair hands over, and back."""
    rising = itertools.cycle([0.0, 0.5, 9.0, 0.5, 9.0, 0.0, 0.0])
    monkeypatch.setattr(handover, "entropy", lambda _: torch.tensor(next(rising)))


@pytest.mark.usefixtures("waves")
def test_caches_stay_in_step_through_every_change(pair: ModelPair, prompts: Prompts) -> None:
    """The strongest check: any token read wrongly, or not taken back, changes a later one."""
    engines = [Handover(1.0, window=2, least=2), SpecReason(0.5, judge=Coin(), steps=EveryK(4))]
    for engine in engines:
        texts = [engine.write(pair, prompt, GREEDY) for prompt in prompts[:5]]
        for prompt, text in zip(prompts, texts, strict=False):
            assert replay(pair, prompt, text) == text.token_ids
        assert sum(any(t.by_large) and not all(t.by_large) for t in texts) >= 2


@dataclass(frozen=True)
class Coin(Judge):
    """Accepts every other draft."""

    turns: Iterator[float] = field(default_factory=lambda: itertools.cycle([1.0, 0.0]))

    def judge(self, draft: Draft) -> StepScore:
        return StepScore(next(self.turns))


@dataclass(frozen=True)
class OddEnd(Judge):
    """Accepts drafts whose last token is odd: of each text alone, whatever stands beside it."""

    def judge(self, draft: Draft) -> StepScore:
        return StepScore(draft.ids[-1] % 2)


@pytest.mark.parametrize("decoding", [GREEDY, HOT])
def test_spec_reason_writes_in_a_batch_what_it_writes_alone(
    decoding: Decoding, pair: ModelPair, prompts: Prompts
) -> None:
    engine = SpecReason(0.5, judge=OddEnd(), steps=EveryK(4))
    keys = list(range(5))
    together = engine.write_all(pair, prompts[:5], decoding, keys)
    alone = [
        engine.write(pair, prompt, decoding, key)
        for prompt, key in zip(prompts, keys, strict=False)
    ]
    assert together == alone  # the texts, who wrote what, and what each was charged
    assert len({len(prompt) for prompt in prompts[:5]}) > 1
    assert 0 < sum(text.accepted for text in together) < sum(text.judged for text in together)


def test_a_batch_shares_its_passes(lively: Any, words: Any, prompts: Prompts) -> None:
    pair, calls = ModelPair(lively("llama"), lively("llama"), words), [0]

    def count(*_: object) -> None:
        calls[0] += 1

    with pair.large.register_forward_hook(count):
        engine = SpecReason(0.5, judge=OddEnd(), steps=EveryK(4))
        texts = engine.write_all(pair, prompts[:4], GREEDY, [0, 1, 2, 3])
    assert calls[0] < sum(text.large.passes for text in texts) / 2


def test_handover_by_hand(
    lively: Any, words: Any, prompts: Prompts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Entropies 1, 9, 1, 1, ..: a window of 2 is above 4 after the second and the third token."""
    given = iter([1.0, 9.0, *[1.0] * NEW])
    monkeypatch.setattr(handover, "entropy", lambda _: torch.tensor(next(given)))
    pair = ModelPair(lively("llama"), lively("llama"), words)
    text = Handover(4.0, window=2, least=1).write(pair, prompts[0], Decoding(8))
    assert text.by_large == [False, False, True, True, False, False, False, False]
    # small reads token 1, then 2, 3 and 4 at once when it is back, then 5, 6 and 7
    assert (text.small.read, text.small.written, text.small.passes) == (7, 6, 1 + 5)
    assert (text.large.read, text.large.written) == (3, 2)  # two at once, then one


@pytest.mark.usefixtures("waves")
def test_a_model_in_charge_writes_for_a_while(lively: Any, words: Any, prompts: Prompts) -> None:
    pair = ModelPair(lively("llama"), lively("gpt_neox"), words)
    text = Handover(1.0, window=1, least=4).write(pair, prompts[1], GREEDY)
    lengths = [len(list(run)) for _, run in itertools.groupby(text.by_large)]
    assert len(lengths) > 3
    assert min(lengths[:-1]) >= 4


def test_spec_reason_counts_what_it_threw_away(lively: Any, words: Any, prompts: Prompts) -> None:
    pair = ModelPair(lively("llama"), lively("llama"), words)
    refused = SpecReason(math.inf, steps=EveryK(4)).write(pair, prompts[0], Decoding(8))
    assert (refused.judged, refused.accepted) == (2, 0)
    assert (refused.small.written, refused.small.rejected) == (0, 8)
    # two drafts of four are judged, then two steps of four are written; the last token of a step
    # is read with the next draft
    assert (refused.large.written, refused.large.read) == (8, 4 + 3 + 1 + 4 + 3)
    kept = SpecReason(-math.inf, steps=EveryK(4)).write(pair, prompts[0], Decoding(8))
    assert (kept.judged, kept.accepted) == (2, 2)
    assert (kept.large.read, kept.large.passes) == (8, 1 + 2)


def test_likelihood_by_hand() -> None:
    draft = Draft("a b", (1, 2), torch.tensor([0.9, 0.4]).log())
    assert Likelihood().judge(draft).score == pytest.approx(0.6)


def test_sampled_texts_repeat_and_differ_by_key(pair: ModelPair, prompts: Prompts) -> None:
    engine = Handover(2.0)
    first = engine.write(pair, prompts[0], HOT, key=5)
    assert first.token_ids == engine.write(pair, prompts[0], HOT, key=5).token_ids
    assert first.token_ids != engine.write(pair, prompts[0], HOT, key=6).token_ids


def test_a_track_goes_back(lively: Any, prompts: Prompts) -> None:
    track = Track(lively("llama"), prompts[0])
    mark = track.mark
    with torch.inference_mode():
        draft = track.follow(prompts[0], [9, 8, 7])
        with pytest.raises(ValueError, match="go back to a mark first"):
            track.follow(prompts[0])
        track.back(mark)
        again = track.follow([*prompts[0], 9], [8])
    assert torch.allclose(again, draft[1:3], atol=1e-4)
    assert track.effort.read == 3 + 2


def test_pairs_are_ordered_by_weight_and_refused_across_vocabularies(
    tiny_model: Any, words: Any, byte_tokenizer: Any
) -> None:
    one, two = tiny_model("llama", num_hidden_layers=6), tiny_model("llama", num_hidden_layers=2)
    pair = ModelPair.of((one, words), (two, words))
    assert (pair.small, pair.large) == (two, one)
    with pytest.raises(ValueError, match="tokenizers differ"):
        ModelPair.of((one, words), (two, byte_tokenizer))
    with pytest.raises(ValueError, match="predict 128 and 130 tokens"):
        ModelPair(one, tiny_model("llama", vocab_size=130), words)
    with pytest.raises(ValueError, match="empty"):
        Track(one, [])
    with pytest.raises(ValueError, match="window=0"):
        Handover(1.0, window=0)


def test_weight_counts_what_a_token_uses(tiny_model: Any) -> None:
    untied = tiny_model("llama", tie_word_embeddings=False)
    everything = sum(p.numel() for p in untied.parameters())
    assert weight(untied) == everything - 128 * 32  # a row is looked up, not multiplied
    tied = tiny_model("llama", tie_word_embeddings=True)
    assert weight(tied) == weight(untied)

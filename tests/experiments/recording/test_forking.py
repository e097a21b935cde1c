"""Forced exits on copies of a row against computing every prefix anew."""

from typing import Any

import pytest
import torch

from probexit.experiments.recording.forking import ForkingReader
from probexit.experiments.recording.reading import ReadRequest, RolloutReader

CLOSING, EOS, LAYERS, ANSWER = (4, 9, 77), frozenset({2}), (0, 2, 4), 7
HYBRIDS = ("qwen3_next", "bamba", "falcon_h1", "lfm2", "llama")


@torch.inference_mode()
def brute_force(model: Any, prefix: list[int]) -> tuple[list[int], list[float]]:
    ids, logprobs = [*prefix, *CLOSING], []
    for step in range(ANSWER):
        scores = model(input_ids=torch.tensor([ids])).logits[0, -1].float().log_softmax(-1)
        if step == 0:
            scores[2] = float("-inf")
        ids.append(int(scores.argmax()))
        logprobs.append(float(scores.max()))
        if ids[-1] == 2:
            break
    return ids[len(prefix) + len(CLOSING) :], logprobs


@pytest.fixture
def rollouts() -> list[ReadRequest]:
    places = [[0, 1, 17, 30, 43], [5, 24], [11]]
    ids = [torch.randint(3, 128, (n,)).tolist() for n in (44, 25, 14)]
    return [ReadRequest(i, at) for i, at in zip(ids, places, strict=True)]


@pytest.mark.parametrize("together", [1, 16])
@pytest.mark.parametrize("name", HYBRIDS)
def test_forced_exits_equal_brute_force(
    name: str, together: int, rollouts: list[ReadRequest], hybrid: Any
) -> None:
    check(ForkingReader(hybrid(name), LAYERS, CLOSING, EOS, ANSWER, together=together), rollouts)


def test_a_state_that_goes_on_with_one_token_only(rollouts: list[ReadRequest], hybrid: Any) -> None:
    """Mamba of transformers 5.24 forgets its state before several tokens: positive control."""
    model = hybrid("mamba")
    check(ForkingReader(model, LAYERS, CLOSING, EOS, ANSWER, single=True), rollouts)
    with pytest.raises(AssertionError):
        check(ForkingReader(model, LAYERS, CLOSING, EOS, ANSWER), rollouts)


def check(reader: ForkingReader, rollouts: list[ReadRequest]) -> None:
    model = reader.model
    answers = [b for r in reader.read(rollouts) for b in r.answers]
    expected = [brute_force(model, r.ids[: at + 1]) for r in rollouts for at in r.at]
    assert [a.ids for a in answers] == [ids for ids, _ in expected]
    for answer, (_, logprobs) in zip(answers, expected, strict=True):
        assert answer.logprobs == pytest.approx(logprobs, abs=1e-3)
    assert len({tuple(a.ids) for a in answers}) > 4  # the cue matters


def test_it_reads_what_the_shared_prefix_reads(rollouts: list[ReadRequest], hybrid: Any) -> None:
    settings = (hybrid("llama"), LAYERS, CLOSING, EOS, ANSWER, 2)
    forked, shared = (cls(*settings).read(rollouts) for cls in (ForkingReader, RolloutReader))
    for one, other in zip(forked, shared, strict=True):
        for name in ("hidden", "step_hidden", "entropy", "top_logprobs", "end_logprob"):
            mine, theirs = getattr(one, name).float(), getattr(other, name).float()
            torch.testing.assert_close(mine, theirs, rtol=2**-7, atol=1e-3)
        assert [b.ids for b in one.answers] == [b.ids for b in other.answers]
        assert [[b.ids for b in s] for s in one.sampled] == [
            [b.ids for b in s] for s in other.sampled
        ]

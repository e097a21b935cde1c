"""Forced exits by the shared prefix against computing every prefix anew."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from probexit.experiments.recording.attention import branch_mask
from probexit.experiments.recording.reading import TOP, ReadRequest, RolloutReader

ARCHITECTURES = ("llama", "qwen3", "gpt2", "gpt_neox", "gemma3", "mixtral", "gemma3_vision")
CLOSING = (4, 9, 77)
LAYERS = (0, 2, 4)
ANSWER = 7
every_architecture = pytest.mark.parametrize("name", ARCHITECTURES)


@pytest.fixture
def rollouts() -> list[ReadRequest]:
    """Of three lengths, with cues at the first and at the last token, and at neighbours."""
    places = [[0, 1, 17, 30, 43], [5, 24], [11]]
    ids = [torch.randint(3, 128, (n,)).tolist() for n in (44, 25, 14)]
    return [ReadRequest(i, at) for i, at in zip(ids, places, strict=True)]


@torch.inference_mode()
def logits_after(model: Any, ids: list[int]) -> Tensor:
    logits: Tensor = model(input_ids=torch.tensor([ids])).logits[0, -1].float()
    return logits


def brute_force(model: Any, prefix: list[int], eos: set[int]) -> tuple[list[int], list[float]]:
    ids, logprobs = [*prefix, *CLOSING], []
    for step in range(ANSWER):
        scores = logits_after(model, ids).log_softmax(-1)
        if step == 0:
            scores[list(eos)] = float("-inf")
        ids.append(int(scores.argmax()))
        logprobs.append(float(scores.max()))
        if ids[-1] in eos:
            break
    return ids[len(prefix) + len(CLOSING) :], logprobs


def reader(model: Any, eos: frozenset[int] = frozenset({2})) -> RolloutReader:
    return RolloutReader(model, LAYERS, CLOSING, eos, ANSWER)


@every_architecture
def test_forced_exits_equal_brute_force(
    name: str, lively: Callable[..., Any], rollouts: list[ReadRequest]
) -> None:
    model = lively(name)
    free = [b.ids for r in reader(model).read(rollouts) for b in r.answers]
    eos = frozenset({2, free[1][3], free[3][0]})  # some branches end early, one would be empty
    answers = [b for r in reader(model, eos).read(rollouts) for b in r.answers]
    prefixes = [r.ids[: at + 1] for r in rollouts for at in r.at]
    expected = [brute_force(model, prefix, set(eos)) for prefix in prefixes]
    assert [a.ids for a in answers] == [ids for ids, _ in expected]
    for answer, (_, logprobs) in zip(answers, expected, strict=True):
        assert answer.logprobs == pytest.approx(logprobs, abs=1e-4)
    assert len({len(a.ids) for a in answers}) > 1
    assert all(a.ids[0] not in eos for a in answers)
    assert len({tuple(a.ids) for a in answers}) > 4  # the cue matters


@every_architecture
def test_cue_states_equal_a_plain_forward_pass(
    name: str, lively: Callable[..., Any], rollouts: list[ReadRequest]
) -> None:
    model = lively(name)
    for rollout, reading in zip(rollouts, reader(model).read(rollouts), strict=True):
        with torch.inference_mode():
            plain = model(torch.tensor([rollout.ids]), output_hidden_states=True)
        # Layer L, after the final norm, is transformers' last one.
        states = torch.stack([plain.hidden_states[i + 1 if i < 4 else -1][0] for i in LAYERS], 1)
        torch.testing.assert_close(
            reading.hidden.float(), states[rollout.at], rtol=2**-8, atol=1e-5
        )
        logprobs = plain.logits[0, rollout.at].float().log_softmax(-1)
        entropy = torch.distributions.Categorical(logits=logprobs).entropy()
        torch.testing.assert_close(reading.entropy, entropy, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(reading.end_logprob, logprobs[:, CLOSING[0]], rtol=0, atol=1e-3)
        top = logprobs.sort(-1, descending=True).values[:, :TOP]
        torch.testing.assert_close(reading.top_logprobs, top, rtol=0, atol=1e-3)
    assert reading.hidden.dtype == torch.bfloat16


def test_the_plain_attention_kernel_gives_the_same(
    lively: Callable[..., Any], rollouts: list[ReadRequest]
) -> None:
    model = lively("gemma3")
    fast = [b.ids for r in reader(model).read(rollouts) for b in r.answers]
    model.set_attn_implementation("eager")
    assert [b.ids for r in reader(model).read(rollouts) for b in r.answers] == fast


def test_a_rollout_alone_reads_the_same(
    lively: Callable[..., Any], rollouts: list[ReadRequest]
) -> None:
    read = reader(lively("llama")).read
    for alone, together in zip([read([r])[0] for r in rollouts], read(rollouts), strict=True):
        assert [b.ids for b in alone.answers] == [b.ids for b in together.answers]
        torch.testing.assert_close(alone.entropy, together.entropy, rtol=1e-4, atol=1e-4)


def test_one_prefill_and_one_pass_per_answer_token(
    lively: Callable[..., Any], rollouts: list[ReadRequest]
) -> None:
    """Never a pass per cue: that is what the shared prefix is for."""
    model, passes = lively("llama"), []
    model.register_forward_hook(lambda *_: passes.append(1))
    reader(model).read(rollouts)
    assert len(passes) == 1 + ANSWER
    passes.clear()
    replace(reader(model), answer_tokens=2).read(rollouts)
    assert len(passes) == 1 + 2


def test_attention_that_takes_no_mask_is_refused(lively: Callable[..., Any]) -> None:
    model = lively("llama")
    allowed = torch.ones(1, 1, 1, dtype=torch.bool)
    places = (torch.ones(1, 1), torch.zeros(1, 1))
    model.config._attn_implementation = "flash_attention_2"
    with pytest.raises(ValueError, match="attn_implementation='sdpa'"):
        branch_mask(model, allowed, places)
    model.config._attn_implementation = "sdpa"
    for kind in ("chunked_attention", "linear_attention"):
        model.config.layer_types = [kind]
        with pytest.raises(ValueError, match=kind):
            branch_mask(model, allowed, places)


def test_a_window_is_measured_along_the_branch(tiny_model: Callable[..., Any]) -> None:
    """A window of 16 tokens: the query itself and 15 before it."""
    model = tiny_model("gemma3")
    keys = torch.arange(40)[None]
    mask = branch_mask(model, torch.ones(1, 1, 40).bool(), (torch.tensor([[39]]), keys))
    mask = mask["sliding_attention"] if isinstance(mask, dict) else mask
    assert (mask[0, 0, 0] == 0).nonzero()[:, 0].tolist() == list(range(24, 40))
